use serde::{Deserialize, Serialize};

use super::UserKey;

/// A process that holds something worth naming.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Thread-group id as the collector's pid namespace numbers it.
    pub pid: u32,
    /// Parent.
    pub ppid: u32,
    /// Name of the main thread, lossy UTF-8, at most 15 bytes.
    pub comm: String,
    /// Start time in clock ticks since boot; tells a parent from its fork.
    pub start_ticks: u64,
    /// Effective uid and user namespace now.
    pub user: UserKey,
    /// Where it sits in each hierarchy, as /proc/PID/cgroup says.
    pub cgroups: Vec<CgroupPath>,
    /// Open descriptors.
    pub descriptors: u32,
    /// Soft RLIMIT_NOFILE; `None` where it was not read or is unlimited.
    pub descriptor_limit: Option<u64>,
    /// Hard RLIMIT_NOFILE; `None` where it was not read or is unlimited.
    #[serde(default)]
    pub descriptor_hard_limit: Option<u64>,
    /// The container that a containerd-shim or conmon serves, from its command line.
    pub serves: Option<String>,
}

impl Process {
    /// Whether it runs below the kubelet's cgroups for pods.
    #[must_use]
    pub fn is_in_pods(&self) -> bool {
        self.cgroups.iter().any(|one| one.path.contains("kubepods"))
    }
}

/// One line of /proc/PID/cgroup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CgroupPath {
    /// Controllers of the hierarchy; empty for cgroup v2, `name=systemd` for a named one.
    pub controllers: String,
    /// Path below the hierarchy's root.
    pub path: String,
}
