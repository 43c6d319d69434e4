use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which cgroup interface the node's runtimes use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CgroupVersion {
    /// One v1 hierarchy for each controller.
    V1,
    /// The unified hierarchy alone.
    V2,
    /// v1 controllers with a v2 hierarchy beside them; kubelet and runtimes treat it as v1.
    Hybrid,
    /// No cgroup file system is mounted, or it could not be read.
    #[default]
    Unknown,
}

impl CgroupVersion {
    /// As JSON and metrics have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
            Self::Hybrid => "hybrid",
            Self::Unknown => "unknown",
        }
    }
}

/// All hierarchies of the node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cgroups {
    /// v1, v2 or both.
    pub version: CgroupVersion,
    /// Each mounted hierarchy once.
    pub hierarchies: Vec<Hierarchy>,
    /// `cgroup.max.descendants` and `cgroup.max.depth` where one is set (v2).
    pub descendant_limits: Vec<DescendantLimit>,
    /// The same hierarchies as the node's kubelet sees them, where that runs in a container; empty where it runs on the machine itself.
    #[serde(default)]
    pub of_kubelet: Vec<Hierarchy>,
}

/// One mounted hierarchy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hierarchy {
    /// Where it is mounted, as the host sees it.
    pub mountpoint: String,
    /// `true` for cgroup v2.
    pub unified: bool,
    /// Controllers of a v1 hierarchy (`cpu`, `cpuacct`, `name=systemd`), those enabled for v2.
    pub controllers: Vec<String>,
    /// Directories, the root included.
    pub directories: u64,
    /// Directories that cAdvisor does not watch: `*.mount` and all below them.
    pub mount_unit_directories: u64,
    /// Cgroups that the kernel counts for the memory controller or, in v1, for this hierarchy
    /// (`num_cgroups` of /proc/cgroups); removed ones that still hold memory are among them.
    pub kernel_count: Option<u64>,
    /// `nr_dying_descendants` of the root's `cgroup.stat` (v2).
    pub dying: Option<u64>,
    /// The walk stopped at its bound, or a directory could not be read: the true number is larger.
    pub truncated: bool,
}

/// A limit on the number of cgroups below one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DescendantLimit {
    /// Path below the hierarchy's root.
    pub path: String,
    /// `nr_descendants` of its `cgroup.stat`.
    pub used: u64,
    /// `cgroup.max.descendants`.
    pub limit: u64,
}
