use crate::model::UserKey;

/// What logs are held against: whether they are of this node, and whom the programs in them are charged as. Not part of the JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogContext {
    /// When the node booted, in seconds since 1970; `None` where that could not be read.
    pub booted_at: Option<u64>,
    /// `false` where nothing shows that the node is, or was, one of Kubernetes; `None` where that is not known.
    pub has_kubelet: Option<bool>,
    /// The processes that were seen.
    pub speakers: Vec<Speaker>,
}

/// A process that may have written a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Speaker {
    /// pid.
    pub pid: u32,
    /// Name of the main thread, at most 15 bytes.
    pub comm: String,
    /// Whom it runs as, and so is charged as.
    pub user: UserKey,
    /// It is below the kubelet's cgroups for pods.
    pub in_pods: bool,
    /// Namespace of its pod, where that is known.
    pub namespace: Option<String>,
}
