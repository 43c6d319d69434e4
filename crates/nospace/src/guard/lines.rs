use clap::ValueEnum;
use nospace_core::model::{InotifyResource, Pair};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Version of [`GuardStatus`] and what follows it.
pub const LINES_VERSION: u32 = 1;

/// What becomes of a pod's call that would cut into the reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum GuardMode {
    /// Count such calls, and refuse none
    Shadow,
    /// Refuse them, as the kernel does at the limit
    Enforce,
}

/// One line of `guard --mode … -o json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum GuardLine {
    /// What is kept: at the start, every minute, and when it changes.
    Status(Box<GuardStatus>),
    /// A pod is at the line; for each pod at most once a minute.
    AtLine(Box<PodAtLine>),
    /// A pod uses more than its budget; for each pod at most once a minute, and again only if the number has changed. Only in shadow mode.
    OverBudget(Box<PodOverBudget>),
    /// Of some pods it is not known whether they use more than their budget.
    Unreadable(UnreadablePods),
    /// Calls got past a hook.
    Skipped(SkippedCalls),
    /// A self-test could not be made.
    Untested(Untested),
    /// The guard has ended: nothing is refused any more.
    Ended(Box<GuardEnd>),
}

/// Why there is a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum StatusReason {
    /// The guard has started.
    Started,
    /// A minute has passed, and the self-test was made.
    Minute,
    /// Likewise, and a limit or a reserve has changed.
    Changed,
}

/// What is kept for the node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GuardStatus {
    /// Version of these documents.
    pub schema_version: u32,
    /// When, RFC 3339, UTC.
    pub time: String,
    /// Why it is reported.
    pub reason: StatusReason,
    /// What becomes of calls at the line.
    pub mode: GuardMode,
    /// What is guarded.
    pub resources: Vec<KeptResource>,
    /// What is not, although it was asked for.
    pub not_guarded: Vec<NotGuarded>,
    /// Pods that there are.
    pub pods: GuardedPods,
    /// What a pod may use; null where there are no budgets.
    pub budgets: Option<BudgetStatus>,
}

/// What a pod may use of root's; it is only counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BudgetStatus {
    /// For each pod; null where a resource has no budget.
    pub budget: Pair<Option<u64>>,
    /// Pods at the last look; null before the first.
    pub pods: Option<BudgetedPods>,
}

/// How many pods were looked at. One that is new is, as soon as its namespace is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BudgetedPods {
    /// All of which it is known what they use.
    pub looked_at: usize,
    /// Those of them that use more than a budget.
    pub over: usize,
    /// Pods whose processes could not be read: they may use any number.
    pub unreadable: usize,
}

/// A resource that is guarded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeptResource {
    /// The resource.
    pub resource: InotifyResource,
    /// Where calls are refused or counted.
    pub hook: String,
    /// What root uses, by the kernel's accounting.
    pub used: u64,
    /// The kernel's limit.
    pub limit: u64,
    /// How many of it are kept for the node: `asked`, but at most half of the limit.
    pub kept: u64,
    /// How many were asked for.
    pub asked: u64,
    /// What a start of the kubelet takes, if `asked` was calculated from that; null for a number.
    pub kubelet_needs: Option<u64>,
    /// Calls of pods at the line since the start: refused, or in shadow mode only counted.
    pub calls: u64,
    /// Calls that got past the hook since the start, of any process; null where the kernel does not count them.
    pub skipped: Option<u64>,
}

/// A resource that cannot be guarded here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotGuarded {
    /// The resource.
    pub resource: InotifyResource,
    /// Why.
    pub reason: String,
}

/// How many pods there are, by what holds for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GuardedPods {
    /// They may not cut into the reserve.
    pub guarded: usize,
    /// They may, as they were named, or are in a namespace that was named.
    pub exempt: usize,
    /// They may, as their namespace is not known.
    pub unknown: usize,
}

/// A pod by its names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodRef {
    /// Kubernetes namespace; empty where it is not known.
    pub namespace: String,
    /// Name of the pod; empty where it is not known.
    pub name: String,
    /// uid of the pod; for a static pod the hash of its manifest.
    pub uid: String,
}

/// A pod at the line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodAtLine {
    /// When this was noticed, RFC 3339, UTC.
    pub time: String,
    /// The pod; null for a process that is in none of the kubelet's pods.
    pub pod: Option<PodRef>,
    /// Its cgroup, below the root of the hierarchy; null if it had gone before nospace saw it.
    pub cgroup: Option<String>,
    /// Whether the calls were refused.
    pub refused: bool,
    /// What they asked for.
    pub resources: Vec<CallsAtLine>,
}

/// A pod that uses more than its budget. Nothing is refused for that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodOverBudget {
    /// When this was noticed, RFC 3339, UTC.
    pub time: String,
    /// The pod; null as in [`PodAtLine`].
    pub pod: Option<PodRef>,
    /// Its cgroup; null as in [`PodAtLine`].
    pub cgroup: Option<String>,
    /// What it uses more of than its budget.
    pub resources: Vec<OverBudget>,
}

/// What a pod uses of a resource of which it has used up its budget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OverBudget {
    /// The resource.
    pub resource: InotifyResource,
    /// What the pod's processes hold of what root is charged for, an instance counted once; one that another pod holds, too, counts for each.
    pub used: u64,
    /// The budget.
    pub budget: u64,
    /// Whether this is reported of the pod for the first time.
    pub first: bool,
}

/// Pods that could not be looked at; reported when there are more than ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnreadablePods {
    /// When, RFC 3339, UTC.
    pub time: String,
    /// How many.
    pub pods: usize,
    /// Why one of them could not be.
    pub reason: String,
}

/// Calls of a pod for one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallsAtLine {
    /// The resource.
    pub resource: InotifyResource,
    /// Calls since this pod was last reported.
    pub calls: u64,
    /// Calls since the start.
    pub total: u64,
    /// How many of the limit are kept for the node.
    pub kept: u64,
    /// The last of them; null where only the count is known.
    pub last: Option<LastCall>,
}

/// A call at the line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastCall {
    /// Thread-group id, as the initial pid namespace numbers it.
    pub pid: u32,
    /// Name of the thread, lossy UTF-8.
    pub comm: String,
    /// What root used; where the hook comes after the kernel has counted, with the call's own.
    pub used: u64,
    /// The kernel's limit.
    pub limit: u64,
}

/// Calls of any process got past a hook: the kernel skips a program that another task was preempted in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkippedCalls {
    /// When, RFC 3339, UTC.
    pub time: String,
    /// The hook.
    pub hook: String,
    /// Calls since this was last told.
    pub calls: u64,
    /// Calls since the start.
    pub total: u64,
}

/// A self-test that could not be made; the guard goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Untested {
    /// When, RFC 3339, UTC.
    pub time: String,
    /// Why not.
    pub reason: String,
}

/// Why a guard ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum EndReason {
    /// It was stopped.
    Stopped,
    /// A self-test found it wrong.
    Doubt,
    /// Something that it needs could not be read.
    Failed,
}

/// All that a guard did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GuardEnd {
    /// When it started, RFC 3339, UTC.
    pub from: String,
    /// When it ended.
    pub until: String,
    /// Why.
    pub reason: EndReason,
    /// What was wrong; null where it was stopped.
    pub why: Option<String>,
    /// What became of calls at the line.
    pub mode: GuardMode,
    /// Calls of pods at the line.
    pub calls: Pair<u64>,
    /// The pods that made them, most calls first.
    pub pods: Vec<PodCalls>,
}

/// Calls of one pod at the line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodCalls {
    /// The pod; null as in [`PodAtLine`].
    pub pod: Option<PodRef>,
    /// Its cgroup; null as in [`PodAtLine`].
    pub cgroup: Option<String>,
    /// Its calls.
    pub calls: Pair<u64>,
}
