use crate::model::Environment;

/// What remedies of a node are made with; not part of the JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemedyContext {
    /// What the node has, where that was read.
    pub environment: Option<Environment>,
    /// Restarts the kubelet, where one runs in a known service.
    pub restart_kubelet: Option<String>,
    /// Restarts containerd, where the node has a known service for it.
    pub restart_containerd: Option<String>,
    /// Restarts CRI-O, where the node has a known service for it.
    pub restart_crio: Option<String>,
}
