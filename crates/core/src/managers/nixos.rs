//! NixOS: its own module for Kubernetes runs the kubelet as a service, with a root directory of its own.

use super::{Manager, Place, Restart};
use crate::model::Runtime;

/// `--root-dir=${top.dataDir}`, which is /var/lib/kubernetes: NixOS/nixpkgs, nixos/modules/services/cluster/kubernetes/kubelet.nix and default.nix.
pub(super) static NIXOS: Manager = Manager {
    name: "nixos",
    title: "NixOS",
    kubelet: &["kubelet"],
    place: Place::OperatingSystem("nixos"),
    services: &["kubelet"],
    systemd: true,
    beside: None,
    runtime: Runtime::Containerd,
    has_other_runtimes: true,
    kubelet_config: None,
    kubelet_root: "/var/lib/kubernetes",
    containerd_state: None,
    restart_kubelet: Restart::Service,
    restart_runtime: None,
    own_use: None,
    platform: Some("nixos"),
};
