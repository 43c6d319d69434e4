//! NixOS: its own module for Kubernetes runs the kubelet as a service, with a root directory of its own.

use super::{Manager, Place, Restart};

/// `--root-dir=${top.dataDir}`, which is /var/lib/kubernetes: NixOS/nixpkgs, nixos/modules/services/cluster/kubernetes/kubelet.nix and default.nix.
pub(super) static NIXOS: Manager = Manager {
    title: "NixOS",
    kubelet: &["kubelet"],
    place: Place::OperatingSystem("nixos"),
    services: &["kubelet"],
    beside: None,
    kubelet_root: "/var/lib/kubernetes",
    containerd_state: None,
    restart_kubelet: Restart::Service,
    restart_runtime: None,
    platform: Some("nixos"),
};
