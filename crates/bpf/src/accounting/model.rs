use crate::guard::FoundGuard;

/// A user that the kernel charges: a uid in a user namespace (`struct ucounts`, kernel/ucount.c).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserKey {
    /// Inode number of the user namespace.
    pub user_namespace: u64,
    /// The uid in the initial user namespace.
    pub uid: u32,
}

/// A user's count of one resource, the number that the kernel compares with the limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    /// How many the user is charged for.
    pub used: u64,
    /// The limit of the user's own namespace.
    pub own_limit: u64,
    /// The limit that is reached first. Each charge counts against the creators of all enclosing namespaces, too, up to
    /// the initial one. Equal to `own_limit` in the initial namespace.
    pub binding_limit: u64,
    /// How many more the kernel would grant, given the limits of all enclosing namespaces.
    pub room: u64,
}

impl Counter {
    /// The limit in effect for this user: what it has, plus what the kernel would still grant.
    #[must_use]
    pub fn effective_limit(&self) -> u64 {
        self.used.saturating_add(self.room)
    }
}

/// A user's counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserCounters {
    /// The user.
    pub key: UserKey,
    /// Address of its counters in the kernel, which may reuse it when the user is charged for nothing any more.
    pub address: u64,
    /// Inotify instances.
    pub instances: Counter,
    /// Inotify watches.
    pub watches: Counter,
    /// The user in the parent namespace that each charge counts against, too; `None` in the initial namespace.
    pub draws_on: Option<UserKey>,
}

/// What a user is charged for fanotify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FanotifyUser {
    /// The user.
    pub key: UserKey,
    /// Groups (`user.max_fanotify_groups`).
    pub groups: Counter,
    /// Marks (`user.max_fanotify_marks`).
    pub marks: Counter,
}

/// A limit that a process can be near to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NearLimit {
    /// Processes and threads of its user, against RLIMIT_NPROC.
    Processes,
    /// Bytes in POSIX message queues of its user, against RLIMIT_MSGQUEUE.
    QueueBytes,
    /// Bytes that its user has locked by SHM_LOCK and SHM_HUGETLB, against RLIMIT_MEMLOCK.
    LockedByUser,
    /// Bytes that io_uring, perf and AF_XDP have locked for its user, against RLIMIT_MEMLOCK.
    LockedByKernel,
    /// Bytes that it has locked itself, against RLIMIT_MEMLOCK.
    Locked,
    /// Its mappings, against vm.max_map_count.
    Mappings,
}

/// A process that has used 80 % of a limit, or more, and may be refused for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Near {
    /// Which limit.
    pub limit_kind: NearLimit,
    /// Thread-group id; 0 where the reader's pid namespace does not have it.
    pub pid: u32,
    /// Its real user.
    pub key: UserKey,
    /// What is in use.
    pub used: u64,
    /// The limit that the process has.
    pub limit: u64,
}

/// What of the limits the kernel counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// fanotify groups and marks by user: since 5.13.
    pub fanotify: bool,
    /// RLIMIT_NPROC, RLIMIT_MSGQUEUE and RLIMIT_MEMLOCK by user: since 5.14.
    pub rlimits: bool,
    /// Stacks of threads as part of what vmalloc has given: with `CONFIG_VMAP_STACK`.
    pub vmapped_stacks: bool,
}

/// A descriptor of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holder {
    /// Process id (tgid) in the reader's pid namespace.
    pub pid: u32,
    /// Id of the thread that has it in its table: `pid`, unless that thread called `unshare(CLONE_FILES)`; such a descriptor is
    /// in `/proc/PID/task/TID/fd`, not in `/proc/PID/fd`.
    pub tid: u32,
    /// Descriptor number.
    pub fd: u32,
}

/// An inotify instance, once, however many descriptors it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Identifies the instance within one reading; the kernel may reuse it later.
    pub identity: u64,
    /// The user that is charged for it; `None` if it was released meanwhile.
    pub charged: Option<UserKey>,
    /// Number of watches.
    pub watches: u64,
    /// All its descriptors, sorted; at least one.
    pub holders: Vec<Holder>,
}

/// A process with at least one open descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Process id (tgid) in the reader's pid namespace.
    pub pid: u32,
    /// Name of the main thread: unescaped, at most 15 bytes.
    pub comm: Vec<u8>,
    /// Open descriptors in its largest table (threads can have tables of their own).
    pub descriptors: u32,
    /// Soft `RLIMIT_NOFILE`; `u64::MAX` is unlimited.
    pub descriptor_limit: u64,
}

/// The kernel's inotify accounting, read once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounting {
    /// All users with a charge of their own or of a nested namespace, sorted by key.
    pub users: Vec<UserCounters>,
    /// Instances with at least one descriptor, each once.
    pub instances: Vec<Instance>,
    /// Processes, sorted by pid.
    pub processes: Vec<Process>,
    /// Descriptors registered with epoll by uid (`fs.epoll.max_user_watches`), sorted. Each CPU adds its count to the
    /// total in steps of 32, so a figure can be too low by 32 per CPU.
    pub epoll: Vec<(u32, u64)>,
    /// The namespaces of all tasks; the same may be listed several times.
    pub namespaces: Vec<Namespaces>,
    /// What the kernel counts of the following.
    pub features: Features,
    /// Users with fanotify groups or marks, sorted by key.
    pub fanotify: Vec<FanotifyUser>,
    /// fanotify groups with their holders by pid, sorted; each process once a group.
    pub fanotify_holders: Vec<(u64, u32)>,
    /// Processes near a limit, sorted by limit, user and pid.
    pub near: Vec<Near>,
    /// Guards at work, of any nospace, by whom nothing else is known; `None` where the kernel has no iterator over programs (before 5.9).
    pub guards: Option<Vec<FoundGuard>>,
}

/// The namespaces that a process lives in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Namespaces {
    /// The process; 0 where the reader's pid namespace does not have it.
    pub pid: u32,
    /// Its thread that lives in them, likewise.
    pub tid: u32,
    /// Mounts in its mount namespace, as `fs.mount-max` limits them.
    pub mounts: u64,
    /// Inode number of its mount namespace, as in /proc/PID/ns/mnt.
    pub mnt: u64,
    /// The other kinds by their names in /proc/PID/ns, with inode numbers; 0 for a kind that the kernel does not have. `pid` is that of
    /// its children.
    pub others: [(&'static str, u64); 7],
    /// POSIX message queues in the ipc namespace, and how many it may have; `None` without CONFIG_POSIX_MQUEUE.
    pub queues: Option<(u64, u64)>,
    /// Inode number of the pid namespace that the process itself lives in, pids in it, and its kernel.pid_max; `None` before 6.14,
    /// where all share one.
    pub pids: Option<(u64, u64, u64)>,
    /// How deep the user namespace is nested; 0 is the initial one.
    pub level: u32,
}

impl Accounting {
    /// Instances and watches that `key` is charged for and that no descriptor explains: (instances, watches).
    #[must_use]
    pub fn unattributed(&self, key: UserKey) -> Option<(u64, u64)> {
        let user = self.users.iter().find(|u| u.key == key)?;
        let (mut instances, mut watches) = (user.instances.used, user.watches.used);
        for instance in self.instances.iter().filter(|i| self.draws_on(i, key)) {
            instances = instances.saturating_sub(1);
            watches = watches.saturating_sub(instance.watches);
        }
        Some((instances, watches))
    }

    /// Whether `instance` counts against `key`, directly or through enclosing namespaces.
    #[must_use]
    pub fn draws_on(&self, instance: &Instance, key: UserKey) -> bool {
        let parent = |k| self.users.iter().find(|u| u.key == k)?.draws_on;
        std::iter::successors(instance.charged, |&k| parent(k)).any(|k| k == key)
    }
}
