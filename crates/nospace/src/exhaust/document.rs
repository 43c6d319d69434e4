use nospace_core::cause::Cause;
use nospace_core::model::Provenance;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Version of [`ExhaustSummary`].
pub const SCHEMA_VERSION: u32 = 1;

/// What is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// inotify watches of a user.
    Watches,
    /// inotify instances of a user.
    Instances,
    /// Control groups below one.
    Cgroups,
    /// Mounts of a mount namespace.
    Mounts,
    /// Inodes of a file system.
    Inodes,
    /// Bytes of a file system.
    Blocks,
    /// Pseudoterminals of a devpts.
    Ptys,
    /// fanotify groups of a user namespace.
    FanotifyGroups,
    /// fanotify marks of a user namespace.
    FanotifyMarks,
    /// POSIX message queues of an IPC namespace.
    PosixMqueue,
    /// System V message queues of an IPC namespace.
    SysvMessages,
    /// System V semaphore sets of an IPC namespace.
    SysvSemaphores,
    /// System V shared memory segments of an IPC namespace.
    SysvShm,
    /// Kernel keys of a user.
    Keys,
    /// epoll watches of a user.
    EpollWatches,
    /// Threads of a cgroup.
    Pids,
    /// Asynchronous I/O requests of the node.
    Aio,
    /// Tracked connections of a network namespace.
    Conntrack,
    /// Memory mappings of a process.
    MaxMapCount,
    /// Bytes of a project on a file system.
    DiskQuota,
}

/// Why it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EndReason {
    /// The time was up.
    Time,
    /// A signal came.
    Signal,
    /// The command that was to run meanwhile has ended.
    Command,
}

/// The answer of `exhaust -o json`, printed when all is given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExhaustSummary {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What was used up.
    pub target: Target,
    /// The cause that `check` and `explain` name for it.
    pub cause: Cause,
    /// What the budget belongs to: a user, a cgroup, a mount namespace, a file system.
    pub subject: String,
    /// pid of nospace, in its own pid namespace: the culprit.
    pub pid: u32,
    /// The limit of the budget; null where it is not known.
    pub limit: Option<u64>,
    /// Amount in use before.
    pub used_before: u64,
    /// How far `usedBefore` can be trusted.
    pub provenance: Provenance,
    /// Most that was held at once.
    pub held: u64,
    /// What was left for others when all was taken; null where the kernel's own count cannot be read.
    pub left: Option<u64>,
    /// Error of the kernel when nothing was left to take, `ENOSPC`; null if it never refused.
    pub refused: Option<String>,
    /// Inodes that were needed.
    pub inodes: u64,
    /// inotify instances that were needed.
    pub instances: u64,
    /// How long taking took, in milliseconds.
    pub took_ms: u64,
    /// How long it was held then, in milliseconds.
    pub held_ms: u64,
    /// Why it ended.
    pub ended: EndReason,
    /// Exit status of the command that ran meanwhile; null without one, or if a signal ended it.
    pub command_status: Option<i32>,
}
