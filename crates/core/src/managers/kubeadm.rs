//! kubeadm and others that run the kubelet as a service of its own: kops, EKS, AKS, GKE.

use super::{Manager, Place, Restart};
use crate::model::Runtime;

/// The unit: kubernetes/release, cmd/krel/templates/latest/kubelet/kubelet.service. hyperkube: Kubernetes before 1.19.
pub(super) static KUBEADM: Manager = Manager {
    name: "kubeadm",
    title: "kubeadm",
    kubelet: &["kubelet", "hyperkube"],
    place: Place::Any,
    services: &["kubelet"],
    systemd: true,
    beside: None,
    runtime: Runtime::Containerd,
    has_other_runtimes: true,
    kubelet_config: None,
    kubelet_root: "/var/lib/kubelet",
    containerd_state: None,
    restart_kubelet: Restart::Service,
    restart_runtime: None,
    own_use: None,
    platform: None,
};
