//! OpenShift: kubelet and CRI-O as services of Red Hat CoreOS, which the machine config operator writes.

use super::{Manager, Place, Restart};
use crate::model::Runtime;

/// kubelet.service and CRI-O: openshift/machine-config-operator, templates/common/_base/units and templates/worker/01-worker-kubelet.
pub(super) static OPENSHIFT: Manager = Manager {
    name: "openshift",
    title: "OpenShift",
    kubelet: &["kubelet", "hyperkube"],
    place: Place::OperatingSystem("rhcos"),
    services: &["kubelet"],
    systemd: true,
    beside: None,
    runtime: Runtime::CriO,
    has_other_runtimes: false,
    kubelet_config: None,
    kubelet_root: "/var/lib/kubelet",
    containerd_state: None,
    restart_kubelet: Restart::Service,
    restart_runtime: None,
    own_use: None,
    platform: Some("openshift"),
};
