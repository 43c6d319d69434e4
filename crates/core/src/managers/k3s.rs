//! K3s: kubelet and, on a server, the API server in one process, which starts a containerd of its own.

use super::{Manager, Place, Restart};
use crate::model::Runtime;

/// Services k3s (server) and k3s-agent: docs.k3s.io/installation. The state directory: k3s pkg/agent/config, `/run/k3s`.
/// Restarting K3s leaves pods running (docs.k3s.io/upgrades/killall).
pub(super) static K3S: Manager = Manager {
    name: "k3s",
    title: "K3s",
    kubelet: &["k3s", "k3s-server", "k3s-agent"],
    place: Place::Any,
    services: &["k3s", "k3s-agent"],
    systemd: true,
    beside: Some("the control plane (on a server), kube-proxy and flannel"),
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
