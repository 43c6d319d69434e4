//! MicroShift: kubelet and the control plane in one process, with the node's CRI-O.

use super::{Manager, Place, Restart};
use crate::model::Runtime;

/// `microshift run`, packaged as microshift.service with CRI-O as a package that it requires: openshift/microshift,
/// packaging/systemd and packaging/rpm/microshift.spec; docs/contributor/architecture.md.
pub(super) static MICROSHIFT: Manager = Manager {
    name: "microshift",
    title: "MicroShift",
    kubelet: &["microshift"],
    place: Place::Any,
    services: &["microshift"],
    systemd: true,
    beside: Some("the control plane"),
    runtime: Runtime::CriO,
    has_other_runtimes: false,
    kubelet_config: None,
    kubelet_root: "/var/lib/kubelet",
    containerd_state: None,
    restart_kubelet: Restart::Service,
    restart_runtime: None,
    own_use: None,
    platform: None,
};
