use serde::{Deserialize, Serialize};

use super::UserKey;

/// What the kernel's own accounting says of limits other than inotify's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Accounts {
    /// Users with fanotify groups or marks; `None` where the kernel does not count them by user (before 5.13).
    pub fanotify: Option<Vec<FanotifyUser>>,
    /// fanotify groups of each process that holds some.
    pub fanotify_holders: Vec<(u32, u64)>,
    /// The kernel counts what resource limits limit by user (since 5.14).
    pub rlimits: bool,
    /// `vm.max_map_count` was known, so the processes near it are in `near`.
    pub mappings: bool,
    /// Who is near a limit of a process.
    pub near: Vec<NearLimit>,
    /// POSIX message queues of each ipc namespace that has some, against `fs.mqueue.queues_max`.
    pub queues: Vec<NamespaceUse>,
    /// Pids of each pid namespace, against its own `kernel.pid_max`; empty before 6.14.
    pub pids: Vec<NamespaceUse>,
    /// How deep user namespaces are nested; 0 where there is only the initial one.
    pub depth: u32,
}

/// What a user is charged for fanotify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FanotifyUser {
    /// The account.
    pub key: UserKey,
    /// Groups.
    pub groups: u64,
    /// How many groups the kernel would let the user have.
    pub groups_limit: u64,
    /// Marks.
    pub marks: u64,
    /// How many marks the kernel would let the user have.
    pub marks_limit: u64,
}

/// A limit that a process has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NearKind {
    /// RLIMIT_NPROC: threads of its user.
    Processes,
    /// RLIMIT_MSGQUEUE: bytes in POSIX message queues of its user.
    QueueBytes,
    /// RLIMIT_MEMLOCK: bytes that its user has locked by SHM_LOCK and SHM_HUGETLB.
    LockedByUser,
    /// RLIMIT_MEMLOCK: bytes that io_uring, perf and AF_XDP have locked for its user.
    LockedByKernel,
    /// RLIMIT_MEMLOCK: bytes that it has locked itself.
    Locked,
    /// `vm.max_map_count`: its own mappings.
    Mappings,
}

/// Processes that have the same limit, of which 80 % or more is used, and that no privilege exempts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NearLimit {
    /// Which limit.
    pub kind: NearKind,
    /// Their user; where the limit is of each process for itself, that of the one.
    pub user: UserKey,
    /// What is in use.
    pub used: u64,
    /// The limit.
    pub limit: u64,
    /// How many they are.
    pub processes: u64,
    /// Some of them, by thread-group id.
    pub pids: Vec<u32>,
}

/// What a namespace has used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceUse {
    /// Inode number.
    pub id: u64,
    /// The lowest pid that lives in it.
    pub pid: u32,
    /// What is in use.
    pub used: u64,
    /// The limit.
    pub limit: u64,
}
