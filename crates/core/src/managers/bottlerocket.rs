//! Bottlerocket: systemd, but no shell outside its admin container, and a root file system that is read-only.

use super::{Manager, Place, Restart};
use crate::model::Runtime;

/// kubelet.service and containerd.service: bottlerocket-os/bottlerocket-core-kit, packages/kubernetes-*/kubelet.service and
/// packages/containerd-*/containerd.service. Commands are for the root shell of the admin container (`sudo sheltie`).
pub(super) static BOTTLEROCKET: Manager = Manager {
    name: "bottlerocket",
    title: "Bottlerocket",
    kubelet: &["kubelet"],
    place: Place::OperatingSystem("bottlerocket"),
    services: &["kubelet"],
    systemd: true,
    beside: None,
    runtime: Runtime::Containerd,
    has_other_runtimes: false,
    kubelet_config: None,
    kubelet_root: "/var/lib/kubelet",
    containerd_state: None,
    restart_kubelet: Restart::Service,
    restart_runtime: None,
    own_use: None,
    platform: Some("bottlerocket"),
};
