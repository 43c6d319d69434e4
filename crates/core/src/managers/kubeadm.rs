//! kubeadm and others that run the kubelet as a service of its own: kops, EKS, AKS, GKE.

use super::{Manager, Place, Restart};

/// The unit: kubernetes/release, cmd/krel/templates/latest/kubelet/kubelet.service. hyperkube: Kubernetes before 1.19.
pub(super) static KUBEADM: Manager = Manager {
    title: "kubeadm",
    kubelet: &["kubelet", "hyperkube"],
    place: Place::Any,
    services: &["kubelet"],
    beside: None,
    kubelet_root: "/var/lib/kubelet",
    containerd_state: None,
    restart_kubelet: Restart::Service,
    restart_runtime: None,
    platform: None,
};
