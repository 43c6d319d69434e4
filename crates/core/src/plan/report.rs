use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Capacity, Proposal, Question, Term};
use crate::cause::Cause;
use crate::model::{Pair, Provenance};
use crate::report::{Budget, Subject};

/// The answer of `plan`, and its JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// [`crate::report::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What was asked; of a node that is checked, what it is.
    pub asked: Question,
    /// The node whose use is the base; null where the plan is calculated from the question alone.
    pub node: Option<NodeBase>,
    /// What each part needs for the pods that were asked for.
    pub terms: Vec<Term>,
    /// Their sum: what uid 0 of the initial user namespace is charged.
    pub needed: Pair<u64>,
    /// The sum with its headroom.
    pub with_headroom: Pair<u64>,
    /// The limits to set; `tune --plan` reads this.
    pub proposal: Proposal,
    /// What they cost in kernel memory.
    pub memory: MemoryCost,
    /// The proposal and other limits, compared with the need.
    pub limits: Vec<Capacity>,
    /// Limits other than inotify's that would be nearly or entirely used up if their use grew with the pods; only of a node that has pods.
    /// `tune --plan` reads this, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_limits: Vec<OtherLimit>,
    /// What to know besides the figures.
    pub notes: Vec<String>,
}

/// A limit other than inotify's, if its use grows with the pods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OtherLimit {
    /// Cause code that its exhaustion has.
    pub cause: Cause,
    /// What has the budget: a sysctl, a user.
    #[schemars(with = "String")]
    pub subject: Subject,
    /// The sysctl that sets the limit.
    pub sysctl: String,
    /// What is counted.
    pub unit: String,
    /// In use now, in `unit`.
    pub used: u64,
    /// The limit now, in `unit`.
    pub limit: u64,
    /// In use with the pods that were asked for: the use of the whole node, times the pods.
    pub expected: u64,
    /// What to set the sysctl to; null where it has several numbers, or where neither the
    /// kernel nor half of the node's memory allows as much as that takes.
    pub value: Option<u64>,
    /// How far `used` can be trusted.
    pub provenance: Provenance,
}

/// Kernel memory, which is never swapped. A limit takes none until it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemoryCost {
    /// Bytes of a watch, as the kernel counts it.
    pub bytes_per_watch: u64,
    /// Bytes of an instance.
    pub bytes_per_instance: u64,
    /// Bytes that the need takes.
    pub needed_bytes: u64,
    /// Bytes that one user at both proposed limits takes, without unread events.
    pub worst_case_bytes: u64,
}

/// A node as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeBase {
    /// Host name.
    pub name: String,
    /// Kernel release.
    pub kernel: String,
    /// Pods that run.
    pub pods: u64,
    /// Their containers, the pause containers among them.
    pub containers: u64,
    /// Instances of uid 0.
    pub instances: Budget,
    /// Watches of uid 0.
    pub watches: Budget,
    /// What a pod takes of them; null on a node without pods.
    pub per_pod: Option<PerPod>,
    /// Whether a kubelet runs; where none does, what one needs is added.
    pub kubelet_runs: bool,
    /// Pods that fit beside those that run; null where a limit is not known, or nothing fits any more.
    pub more_pods: Option<u64>,
}

/// What one pod takes on the average.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PerPod {
    /// Instances.
    pub instances: f64,
    /// Watches.
    pub watches: f64,
    /// How far that can be trusted.
    pub provenance: Provenance,
}
