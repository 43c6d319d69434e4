use nospace_bpf::trace::Counted;
use nospace_core::cause::Cause;
use nospace_core::report::{Owner, Refused, RefusingGuard};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One line of `trace -o json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum TraceLine {
    /// A call, when it returned.
    Call(Box<TracedCall>),
    /// What was counted: at the end, and with `--summary N` every N seconds.
    Summary(TraceSummary),
}

/// A call, when it returned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TracedCall {
    /// When, RFC 3339, UTC.
    pub time: String,
    /// Name of the system call; `clone` stands for fork, vfork and clone3 too.
    pub call: String,
    /// Thread-group id, as the initial pid namespace numbers it.
    pub pid: u32,
    /// Thread id, likewise.
    pub tid: u32,
    /// Effective uid, as the initial user namespace sees it.
    pub uid: u32,
    /// Its name in the node's /etc/passwd; null where it has none, and where that file is not known to be the node's.
    pub user_name: Option<String>,
    /// Name of the thread, lossy UTF-8.
    pub comm: String,
    /// Command line of the process, lossy UTF-8, its first 4,096 bytes; only with --cmdline. Left out if it exited before nospace could look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cmdline: Option<Vec<String>>,
    /// Id of its cgroup; null where cgroup v2 is not in use.
    pub cgroup: Option<u64>,
    /// Owner of the process; null if it exited before nospace could look.
    pub owner: Option<Owner>,
    /// The descriptor that it gave: instance, epoll or directory.
    pub fd: Option<u32>,
    /// The path or description that it gave, lossy UTF-8.
    pub path: Option<String>,
    /// Only the beginning of the path is known.
    pub path_cut: bool,
    /// Mask of a watch, its number, mode of a directory, flags, operation or key, as a number.
    pub argument: u64,
    /// The same in words, where it is a mask, flags or an operation.
    pub words: Vec<String>,
    /// What it returned; negative is -errno.
    pub result: i64,
    /// Name of the error, `ENOSPC`; null for success.
    pub error: Option<String>,
    /// What was used up; null for success, for other errors, where `candidates` has several, and where `otherwise` has an alternative.
    pub cause: Option<Cause>,
    /// All that can have been used up.
    pub candidates: Vec<Cause>,
    /// What else the error can mean, if it is not certain that one of `candidates` was used up; null for success.
    pub otherwise: Option<String>,
    /// Count and limit right after the call; null where the limit has none, and where the kernel did not tell.
    pub count: Option<CallCount>,
    /// The guard that refused the call, below the limit; left out where it was the limit, and where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<RefusingGuard>,
    /// Soft RLIMIT_NOFILE of the process; null for unlimited.
    pub descriptor_limit: Option<u64>,
}

impl TracedCall {
    /// The last of calls that a timeline has; it knows neither their arguments nor counts.
    #[must_use]
    pub fn of(refused: Refused) -> Self {
        Self {
            time: refused.last,
            call: refused.call,
            pid: refused.pid,
            tid: refused.pid,
            uid: refused.uid,
            user_name: None,
            comm: refused.comm,
            cmdline: None,
            cgroup: None,
            owner: refused.owner,
            fd: None,
            path: None,
            path_cut: false,
            argument: 0,
            words: Vec::new(),
            result: -1,
            error: Some(refused.error),
            cause: None,
            candidates: refused.causes,
            otherwise: refused.otherwise,
            count: None,
            guard: refused.guard,
            descriptor_limit: None,
        }
    }
}

/// Count and limit; of users, the one that had least room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallCount {
    /// What is counted.
    pub of: Counted,
    /// Who is charged: the caller, or a creator of its user namespace; null for what belongs to a process or an IPC namespace.
    pub uid: Option<u32>,
    /// The name of `uid`, as in a call.
    pub user_name: Option<String>,
    /// Inode number of the user namespace that the limit is of; null likewise.
    pub user_namespace: Option<u64>,
    /// In use.
    pub used: u64,
    /// The limit.
    pub limit: u64,
}

/// What was counted in a span of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TraceSummary {
    /// Its begin, RFC 3339, UTC.
    pub from: String,
    /// Its end.
    pub until: String,
    /// It spans the whole trace, and is the last line.
    pub last: bool,
    /// Calls that were read and that the filters let through.
    pub calls: u64,
    /// Of `calls`, those that failed.
    pub failed: u64,
    /// Of `failed`, those that were, or may have been, refused because something was used up: those with `candidates` and without `guard`.
    pub refused: u64,
    /// Of `failed`, those that a guard refused, below the limit: those with `guard`.
    #[serde(default)]
    pub refused_by_guard: u64,
    /// Calls that came faster than they could be read; the filters were not asked about them all.
    pub lost: u64,
    /// Calls left out because --pod or --container was given and their process was gone before nospace could look.
    pub unplaced: u64,
    /// Refusals first, then the most frequent.
    pub rows: Vec<SummaryRow>,
    /// Calls of kinds that did not fit into `rows`.
    pub calls_omitted: u64,
}

/// Calls of one kind by one program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SummaryRow {
    /// Owner of the processes; null where they had exited.
    pub owner: Option<Owner>,
    /// Name of the thread.
    pub comm: String,
    /// Effective uid.
    pub uid: u32,
    /// Its name, as in a call.
    pub user_name: Option<String>,
    /// Name of the system call.
    pub call: String,
    /// Name of the error; null for success.
    pub error: Option<String>,
    /// What was used up, as in a call.
    pub cause: Option<Cause>,
    /// All that can have been used up.
    pub candidates: Vec<Cause>,
    /// What else the error can mean, as in a call.
    pub otherwise: Option<String>,
    /// How many.
    pub calls: u64,
    /// Count and limit at the last of them.
    pub count: Option<CallCount>,
    /// The guard that refused the last of them, as in a call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<RefusingGuard>,
}

impl TraceSummary {
    /// Whether nothing happened at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.calls == 0 && self.lost == 0 && self.unplaced == 0
    }
}
