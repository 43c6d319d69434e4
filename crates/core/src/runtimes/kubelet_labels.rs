//! Labels that the kubelet has its runtime put on each container (pkg/kubelet/types/labels.go), and the names that it
//! asks for. containerd keeps them from its bundles; CRI-O and Docker do not.

use std::collections::BTreeMap;

use super::Annotation;

const CONTAINER_NAME: &str = "io.kubernetes.container.name";
const POD_NAME: &str = "io.kubernetes.pod.name";
const POD_NAMESPACE: &str = "io.kubernetes.pod.namespace";
const POD_UID: &str = "io.kubernetes.pod.uid";

/// How a pod's sandbox is named, as a container of its pod.
pub(super) const SANDBOX: &str = "POD";

pub(super) const KUBELET_LABELS: &[(Annotation, &str)] = &[
    (Annotation::ContainerName, CONTAINER_NAME),
    (Annotation::PodName, POD_NAME),
    (Annotation::PodNamespace, POD_NAMESPACE),
    (Annotation::PodUid, POD_UID),
];

/// Adds what a container's name says that was made for the kubelet: `k8s_CONTAINER_POD_NAMESPACE_UID_ATTEMPT`
/// (dockershim and cri-dockerd naming.go, CRI-O internal/lib/sandbox).
#[must_use]
pub fn with_kubelet_name(
    mut annotations: BTreeMap<String, String>,
    name: &str,
) -> BTreeMap<String, String> {
    let parts: Vec<&str> = name.split('_').collect();
    if let ["k8s", container, pod, namespace, uid, _attempt] = parts[..] {
        for (key, value) in [
            (CONTAINER_NAME, container),
            (POD_NAME, pod),
            (POD_NAMESPACE, namespace),
            (POD_UID, uid),
        ] {
            annotations
                .entry(key.to_owned())
                .or_insert_with(|| value.to_owned());
        }
    }
    annotations
}
