use serde::{Deserialize, Serialize};

/// Processes and threads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pids {
    /// Threads of the whole system (/proc/loadavg).
    pub threads: u64,
    /// `kernel.pid_max`.
    pub pid_max: u64,
    /// `kernel.threads-max`.
    pub threads_max: u64,
    /// Cgroups that have a `pids.max` other than `max`.
    pub cgroups: Vec<PidsCgroup>,
}

/// A cgroup with a limit of processes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PidsCgroup {
    /// Path below the hierarchy's root.
    pub path: String,
    /// `pids.current`.
    pub current: u64,
    /// `pids.max`.
    pub max: u64,
    /// `max` of `pids.events`: forks refused since the cgroup was made.
    pub refused: u64,
}

/// Mounts, which are limited for each mount namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mounts {
    /// `fs.mount-max`.
    pub max: u64,
    /// Each mount namespace that a visible process lives in.
    pub namespaces: Vec<MountNamespace>,
}

/// One mount namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountNamespace {
    /// Inode number.
    pub id: u64,
    /// Mounts in it.
    pub mounts: u64,
    /// The lowest pid that lives in it.
    pub pid: u32,
}

/// Kernel keys (/proc/key-users).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// Each user with keys.
    pub users: Vec<KeyUser>,
}

/// Key quota of one user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyUser {
    /// uid.
    pub uid: u32,
    /// Keys charged.
    pub keys: u64,
    /// `kernel.keys.maxkeys`, for root `root_maxkeys`.
    pub max_keys: u64,
    /// Bytes charged.
    pub bytes: u64,
    /// `kernel.keys.maxbytes`, for root `root_maxbytes`.
    pub max_bytes: u64,
}

/// System V IPC of the IPC namespace that nospace runs in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SysvIpc {
    /// Semaphore sets.
    pub semaphore_sets: u64,
    /// SEMMNI, fourth of `kernel.sem`.
    pub max_semaphore_sets: u64,
    /// Semaphores in all sets.
    pub semaphores: u64,
    /// SEMMNS, second of `kernel.sem`.
    pub max_semaphores: u64,
    /// Shared memory segments.
    pub segments: u64,
    /// `kernel.shmmni`.
    pub max_segments: u64,
    /// Pages in all segments.
    pub segment_pages: u64,
    /// `kernel.shmall`, pages.
    pub max_segment_pages: u64,
    /// Message queues.
    pub queues: u64,
    /// `kernel.msgmni`.
    pub max_queues: u64,
}

/// epoll watches (`fs.epoll.max_user_watches`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Epoll {
    /// `fs.epoll.max_user_watches`, for each user.
    pub max_user_watches: u64,
    /// Each user seen with epoll descriptors.
    pub users: Vec<EpollUser>,
}

/// epoll watches of one user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpollUser {
    /// uid.
    pub uid: u32,
    /// Descriptors registered with epoll.
    pub watches: u64,
}

/// Namespaces against `user.max_*_namespaces`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespaces {
    /// One entry a kind.
    pub kinds: Vec<NamespaceCount>,
}

/// Namespaces of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamespaceCount {
    /// `mnt`, `net`, `pid`, `user`, `ipc`, `uts`, `cgroup`, `time`.
    pub kind: String,
    /// Distinct ones that visible processes live in, the initial one not counted.
    pub used: u64,
    /// `user.max_KIND_namespaces` of this user namespace.
    pub limit: u64,
}
