//! k0s: one program that unpacks and starts kubelet, containerd and, on a controller, the control plane.

use super::{Manager, OwnUse, Place, Restart};
use crate::model::Runtime;

/// Process supervisor, with the kubelet in /var/lib/k0s/bin: docs.k0sproject.io/stable/architecture. Directories:
/// docs.k0sproject.io/head/directories; `--state=/run/k0s/containerd`: docs.k0sproject.io/head/runtime. Services k0scontroller and
/// k0sworker: docs.k0sproject.io/stable/cli/k0s_install.
pub(super) static K0S: Manager = Manager {
    name: "k0s",
    title: "k0s",
    kubelet: &["kubelet"],
    place: Place::Services,
    services: &["k0scontroller", "k0sworker"],
    systemd: true,
    beside: None,
    runtime: Runtime::Containerd,
    has_other_runtimes: true,
    kubelet_config: None,
    kubelet_root: "/var/lib/k0s/kubelet",
    containerd_state: Some("/run/k0s/containerd"),
    restart_kubelet: Restart::Service,
    restart_runtime: Some(Restart::Service),
    own_use: Some(OwnUse {
        instances: 1,
        watches: 1,
        why: "drop-ins of its containerd",
        source: "k0sproject/k0s pkg/component/worker/containerd/component.go, watchDropinConfigs",
    }),
    platform: None,
};
