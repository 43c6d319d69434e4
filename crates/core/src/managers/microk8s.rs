//! MicroK8s: a snap; from 1.21 on kubelet and control plane are one process, kubelite.

use super::{Manager, Place, Restart};
use crate::model::Runtime;

/// Services: canonical.com/microk8s/docs/configuring-services. State: `${SNAP_COMMON}/run/containerd`, `--root-dir` of its kubelet
/// `${SNAP_COMMON}/var/lib/kubelet` (canonical/microk8s, microk8s-resources/default-args).
pub(super) static MICROK8S: Manager = Manager {
    name: "microk8s",
    title: "MicroK8s",
    kubelet: &["kubelite"],
    place: Place::Any,
    services: &["snap.microk8s.daemon-kubelite"],
    systemd: true,
    beside: Some("the control plane and kube-proxy"),
    runtime: Runtime::Containerd,
    has_other_runtimes: false,
    kubelet_config: None,
    kubelet_root: "/var/snap/microk8s/common/var/lib/kubelet",
    containerd_state: Some("/var/snap/microk8s/common/run/containerd"),
    restart_kubelet: Restart::Service,
    restart_runtime: Some(Restart::OtherService("snap.microk8s.daemon-containerd")),
    own_use: None,
    platform: None,
};
