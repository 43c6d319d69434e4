use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::accounting::UserKey;

/// A traced system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each is the call of that name")]
pub enum Call {
    InotifyInit,
    InotifyInit1,
    InotifyAddWatch,
    InotifyRmWatch,
    Mkdir,
    Mkdirat,
    Mount,
    MoveMount,
    Unshare,
    /// fork, vfork, clone or clone3.
    Clone,
    EpollCtl,
    AddKey,
    Keyctl,
    Semget,
    Shmget,
    /// Any other, by its name.
    Other(&'static str),
}

impl Call {
    /// Those that are traced whatever the options.
    const ALWAYS: [Self; 15] = [
        Self::InotifyInit,
        Self::InotifyInit1,
        Self::InotifyAddWatch,
        Self::InotifyRmWatch,
        Self::Mkdir,
        Self::Mkdirat,
        Self::Mount,
        Self::MoveMount,
        Self::Unshare,
        Self::Clone,
        Self::EpollCtl,
        Self::AddKey,
        Self::Keyctl,
        Self::Semget,
        Self::Shmget,
    ];

    /// Whether the call of this name is traced whatever the options.
    #[must_use]
    pub fn is_traced(name: &str) -> bool {
        Self::ALWAYS.iter().any(|call| call.name() == name)
    }

    /// Its name, `inotify_add_watch`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::InotifyInit => "inotify_init",
            Self::InotifyInit1 => "inotify_init1",
            Self::InotifyAddWatch => "inotify_add_watch",
            Self::InotifyRmWatch => "inotify_rm_watch",
            Self::Mkdir => "mkdir",
            Self::Mkdirat => "mkdirat",
            Self::Mount => "mount",
            Self::MoveMount => "move_mount",
            Self::Unshare => "unshare",
            Self::Clone => "clone",
            Self::EpollCtl => "epoll_ctl",
            Self::AddKey => "add_key",
            Self::Keyctl => "keyctl",
            Self::Semget => "semget",
            Self::Shmget => "shmget",
            Self::Other(name) => name,
        }
    }

    /// Whether it is an inotify call.
    #[must_use]
    pub fn is_inotify(self) -> bool {
        self <= Self::InotifyRmWatch
    }
}

/// A call that has returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When it returned (`CLOCK_MONOTONIC`).
    pub time: Duration,
    /// The call.
    pub call: Call,
    /// Process id (tgid) in the initial pid namespace.
    pub pid: u32,
    /// Thread id in the initial pid namespace.
    pub tid: u32,
    /// Effective uid in the initial user namespace.
    pub uid: u32,
    /// Name of the thread, unescaped.
    pub comm: Vec<u8>,
    /// Id of its cgroup on cgroup v2; 1 elsewhere.
    pub cgroup: u64,
    /// Its result; negative values are -errno.
    pub result: i64,
    /// Its descriptor argument: inotify instance, epoll instance or directory.
    pub fd: Option<u32>,
    /// Its main numeric argument: mask, watch descriptor, mode, flags, operation or key.
    pub argument: u64,
    /// Its path or description argument: unescaped, at most 4,095 bytes.
    pub path: Option<Vec<u8>>,
    /// Whether `path` is only the start of a longer one.
    pub path_truncated: bool,
    /// Soft `RLIMIT_NOFILE` of the process.
    pub descriptor_limit: u64,
    /// Count and limit right after the call; `None` if they could not be read, or the limit has none.
    pub count: Option<Count>,
    /// What else is known of the caller then.
    pub situation: Situation,
}

/// What a caller was in when a call of another kind failed; all false for the calls that [`Call`] names, but for `deadline`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Situation {
    /// No descriptor below `RLIMIT_NOFILE` was free.
    pub files_full: bool,
    /// It has a capability that lifts the limit.
    pub exempt: bool,
    /// The socket has a local port.
    pub bound: bool,
    /// The socket is IPv4.
    pub ipv4: bool,
    /// A process or thread could not be made, and the caller runs under SCHED_DEADLINE, in which it may not fork (sched(7)).
    pub deadline: bool,
    /// Neither RLIMIT_AS nor RLIMIT_DATA limits the process.
    pub unlimited_memory: bool,
    /// The file that the descriptor refers to, where the call was refused with ENOSPC.
    pub file: Option<File>,
}

/// A file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File {
    /// Magic number of its file system (include/uapi/linux/magic.h).
    pub file_system: u32,
    /// It is a regular file or a directory.
    pub regular: bool,
}

/// What is counted.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Counted {
    /// inotify instances of a user.
    Instances,
    /// inotify watches of a user.
    Watches,
    /// fanotify groups of a user.
    FanotifyGroups,
    /// fanotify marks of a user.
    FanotifyMarks,
    /// Processes and threads of a user, against RLIMIT_NPROC.
    Processes,
    /// Bytes of POSIX message queues of a user, against RLIMIT_MSGQUEUE.
    QueueBytes,
    /// POSIX message queues of an IPC namespace.
    Queues,
    /// System V semaphore sets of an IPC namespace.
    SemaphoreSets,
    /// System V message queues of an IPC namespace.
    MessageQueues,
    /// System V shared memory segments of an IPC namespace.
    Segments,
    /// Memory mappings of the process.
    Mappings,
    /// Bytes that the process has locked, against RLIMIT_MEMLOCK.
    LockedBytes,
    /// Bytes that io_uring, perf and AF_XDP have locked for the user, against RLIMIT_MEMLOCK.
    LockedByKernel,
    /// Descriptors of the user in flight over Unix sockets, against RLIMIT_NOFILE.
    InFlight,
}

/// Count and limit; of users the one that is closest to its limit, of the caller and the creators of its user namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// What is counted.
    pub of: Counted,
    /// That user; `None` for what belongs to a process or a namespace.
    pub key: Option<UserKey>,
    /// How many are in use.
    pub used: u64,
    /// The limit of that number.
    pub limit: u64,
}

/// The limit that an inotify call hit, if it was one ([`Event::had_reached_limit`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// `max_user_instances`.
    Instances,
    /// `max_user_watches`.
    Watches,
    /// `RLIMIT_NOFILE`: EMFILE although more instances were allowed, and no descriptor was free.
    ProcessFiles,
    /// One of the two: EMFILE, and the counters could not be read, or neither limit was still reached.
    InstancesOrProcessFiles,
}

const EMFILE: i64 = 24;
const ENOSPC: i64 = 28;

impl Event {
    /// Whether the count had reached its limit when it was read, right after the call. If not, that proves nothing: others may have freed
    /// some in between, or the limit was raised.
    #[must_use]
    pub fn had_reached_limit(&self) -> bool {
        self.count.is_some_and(|count| count.used >= count.limit)
    }

    /// The limit that an inotify call hit; `None` for success, other errors and other calls.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        match (self.call, -self.result) {
            (Call::InotifyAddWatch, ENOSPC) => Some(Refusal::Watches),
            (Call::InotifyInit | Call::InotifyInit1, EMFILE) => Some(match self.count {
                None => Refusal::InstancesOrProcessFiles,
                Some(count) if count.used >= count.limit => Refusal::Instances,
                Some(_) if self.situation.files_full => Refusal::ProcessFiles,
                // Since the call failed, an instance or a descriptor was closed, or a limit raised.
                Some(_) => Refusal::InstancesOrProcessFiles,
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(call: Call, result: i64, count: Option<(u64, u64)>) -> Event {
        let key = UserKey {
            user_namespace: 1,
            uid: 0,
        };
        Event {
            time: Duration::ZERO,
            call,
            pid: 1,
            tid: 1,
            uid: 0,
            comm: Vec::new(),
            cgroup: 1,
            result,
            fd: None,
            argument: 0,
            path: None,
            path_truncated: false,
            descriptor_limit: 1024,
            count: count.map(|(used, limit)| Count {
                of: Counted::Instances,
                key: Some(key),
                used,
                limit,
            }),
            situation: Situation::default(),
        }
    }

    #[test]
    fn the_count_distinguishes_the_two_causes_of_emfile() {
        let init = |count, files_full| {
            let mut event = event(Call::InotifyInit1, -24, count);
            event.situation.files_full = files_full;
            event.refusal()
        };
        assert_eq!(init(Some((128, 128)), false), Some(Refusal::Instances));
        assert_eq!(init(Some((5, 128)), true), Some(Refusal::ProcessFiles));
        let either = Some(Refusal::InstancesOrProcessFiles);
        assert_eq!(init(Some((5, 128)), false), either);
        assert_eq!(init(None, false), either);
    }

    #[test]
    fn success_and_other_errors_are_no_refusal() {
        assert_eq!(event(Call::InotifyAddWatch, 1, None).refusal(), None);
        assert_eq!(event(Call::InotifyAddWatch, -2, None).refusal(), None);
        assert_eq!(
            event(Call::InotifyAddWatch, -28, None).refusal(),
            Some(Refusal::Watches)
        );
        assert_eq!(event(Call::Mkdir, -28, None).refusal(), None);
    }
}
