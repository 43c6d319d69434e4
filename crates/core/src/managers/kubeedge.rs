//! KubeEdge: edgecore has a kubelet inside, and uses the node's runtime.

use super::{Manager, Place, Restart};
use crate::model::Runtime;

/// The service: kubeedge.io/docs/setup/install-with-keadm. The runtime is the node's: kubeedge.io/docs/setup/prerequisites/runtime.
pub(super) static KUBEEDGE: Manager = Manager {
    name: "kubeedge",
    title: "KubeEdge",
    kubelet: &["edgecore"],
    place: Place::Any,
    services: &["edgecore"],
    systemd: true,
    beside: Some("edgecore's other modules"),
    runtime: Runtime::Containerd,
    has_other_runtimes: true,
    kubelet_root: "/var/lib/kubelet",
    containerd_state: None,
    restart_kubelet: Restart::Service,
    restart_runtime: None,
    own_use: None,
    platform: None,
};
