//! RKE2: a supervisor that starts a kubelet and a containerd as processes of its own service.

use super::{Manager, Place, Restart};
use crate::model::Runtime;

/// Both run in the cgroup of rke2-server or rke2-agent, whose units kill them by `systemd-cgls … (containerd|kubelet)`
/// (rancher/rke2, bundle/lib/systemd/system). The socket is /run/k3s/containerd/containerd.sock (docs.rke2.io/reference/cli_tools).
pub(super) static RKE2: Manager = Manager {
    name: "rke2",
    title: "RKE2",
    kubelet: &["kubelet"],
    place: Place::Services,
    services: &["rke2-server", "rke2-agent"],
    systemd: true,
    beside: None,
    runtime: Runtime::Containerd,
    has_other_runtimes: true,
    kubelet_config: None,
    kubelet_root: "/var/lib/kubelet",
    containerd_state: Some("/run/k3s/containerd"),
    restart_kubelet: Restart::Service,
    restart_runtime: Some(Restart::Service),
    own_use: None,
    platform: None,
};
