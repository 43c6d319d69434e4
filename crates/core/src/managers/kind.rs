//! kind, and minikube with its docker driver: the node is a container in which systemd starts kubelet and containerd.

use super::{Manager, Place, Restart};
use crate::model::Runtime;

/// systemd in the node's image: kind.sigs.k8s.io/docs/design/node-image; minikube's kicbase is made from it
/// (kubernetes/minikube, deploy/kicbase). The sysctls of fs.inotify are the host's, there as well.
pub(super) static KIND: Manager = Manager {
    name: "kind",
    title: "kind",
    kubelet: &["kubelet"],
    place: Place::ServiceInContainer("kubelet"),
    services: &[],
    systemd: true,
    beside: None,
    runtime: Runtime::Containerd,
    has_other_runtimes: false,
    kubelet_config: None,
    kubelet_root: "/var/lib/kubelet",
    containerd_state: None,
    restart_kubelet: Restart::Inside("systemctl restart kubelet"),
    restart_runtime: Some(Restart::Inside("systemctl restart containerd")),
    own_use: None,
    platform: None,
};
