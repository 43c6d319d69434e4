use std::time::Duration;

use crate::tally::UserKey;

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
}

impl Call {
    /// Its name.
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
        }
    }

    /// Whether it is one of inotify's.
    #[must_use]
    pub fn is_inotify(self) -> bool {
        self <= Self::InotifyRmWatch
    }
}

/// One call, when it returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When: `CLOCK_MONOTONIC`.
    pub time: Duration,
    /// Which call.
    pub call: Call,
    /// Thread-group id, as the initial pid namespace numbers it.
    pub pid: u32,
    /// Thread id, likewise.
    pub tid: u32,
    /// Effective uid, as the initial user namespace sees it.
    pub uid: u32,
    /// Name of the thread, raw.
    pub comm: Vec<u8>,
    /// Id of its cgroup on cgroup v2; 1 elsewhere.
    pub cgroup: u64,
    /// What it returned; negative is -errno.
    pub result: i64,
    /// The descriptor that it was given: instance, epoll, or directory.
    pub fd: Option<u32>,
    /// Mask of a watch, its number, mode of a directory, flags of a mount, clone or unshare, operation, key.
    pub argument: u64,
    /// Path or description that it was given, raw, at most 4,095 bytes.
    pub path: Option<Vec<u8>>,
    /// The path was longer.
    pub path_cut: bool,
    /// Soft `RLIMIT_NOFILE` of the process.
    pub descriptor_limit: u64,
    /// inotify's count and limit, right after the call; `None` where it could not be told.
    pub count: Option<Count>,
}

/// Count and limit where there was least room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Whose: the user that binds, which may be a creator of the caller's namespace.
    pub key: UserKey,
    /// Instances for inotify_init, watches for inotify_add_watch.
    pub used: u64,
    /// The limit of that.
    pub limit: u64,
}

/// What refused an inotify call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// `max_user_instances`.
    Instances,
    /// `max_user_watches`.
    Watches,
    /// `RLIMIT_NOFILE`: EMFILE while instances were free.
    ProcessFiles,
    /// EMFILE, and the counters could not be read: one of the two.
    InstancesOrProcessFiles,
}

const EMFILE: i64 = 24;
const ENOSPC: i64 = 28;

impl Event {
    /// Why an inotify call was refused for want of something; `None` for success, other errors and other calls.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        match (self.call, -self.result) {
            (Call::InotifyAddWatch, ENOSPC) => Some(Refusal::Watches),
            (Call::InotifyInit | Call::InotifyInit1, EMFILE) => Some(match self.count {
                None => Refusal::InstancesOrProcessFiles,
                Some(count) if count.used >= count.limit => Refusal::Instances,
                Some(_) => Refusal::ProcessFiles,
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
            path_cut: false,
            descriptor_limit: 1024,
            count: count.map(|(used, limit)| Count { key, used, limit }),
        }
    }

    #[test]
    fn too_many_open_files_is_told_apart_by_the_count() {
        let init = |count| event(Call::InotifyInit1, -24, count).refusal();
        assert_eq!(init(Some((128, 128))), Some(Refusal::Instances));
        assert_eq!(init(Some((5, 128))), Some(Refusal::ProcessFiles));
        assert_eq!(init(None), Some(Refusal::InstancesOrProcessFiles));
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
