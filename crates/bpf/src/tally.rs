//! What the kernel has on its books, in plain types.

/// Whom the kernel charges: a uid in a user namespace (`struct ucounts`, kernel/ucount.c).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserKey {
    /// Inode number of the user namespace.
    pub user_namespace: u64,
    /// uid as the initial user namespace sees it.
    pub uid: u32,
}

/// A user's live count of one resource, as the kernel compares it with the limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    /// Charged now.
    pub used: u64,
    /// Limit of the user's own namespace.
    pub own_limit: u64,
    /// Limit that binds first on the way to the initial namespace: every charge counts against the creator of each
    /// namespace on that way too. Equal to `own_limit` in the initial namespace.
    pub binding_limit: u64,
    /// How many more the kernel would grant now, all links of that way considered.
    pub room: u64,
}

impl Counter {
    /// The limit as it works out for this user now: what it has, plus what it would still get.
    #[must_use]
    pub fn effective_limit(&self) -> u64 {
        self.used.saturating_add(self.room)
    }
}

/// A user's counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserCounters {
    /// Whose.
    pub key: UserKey,
    /// Inotify instances.
    pub instances: Counter,
    /// Inotify watches.
    pub watches: Counter,
    /// The pair of the parent namespace that each charge goes to as well; `None` in the initial namespace.
    pub draws_on: Option<UserKey>,
}

/// A descriptor that leads to an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holder {
    /// Thread-group id, as the reader's pid namespace has it.
    pub pid: u32,
    /// The thread whose table it is in: `pid`, unless that thread called `unshare(CLONE_FILES)`; such a descriptor is
    /// in `/proc/PID/task/TID/fd`, not in `/proc/PID/fd`.
    pub tid: u32,
    /// Descriptor number.
    pub fd: u32,
}

/// One inotify instance, however many descriptors lead to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Tells instances of one tally apart; means nothing else, and may be reused later.
    pub identity: u64,
    /// Whom it is charged to; `None` where the kernel has let go of it meanwhile.
    pub charged: Option<UserKey>,
    /// Watches in it.
    pub watches: u64,
    /// Every descriptor that leads to it, sorted; never empty.
    pub holders: Vec<Holder>,
}

/// A process with at least one open descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Thread-group id, as the reader's pid namespace has it.
    pub pid: u32,
    /// Name of the main thread, raw, at most 15 bytes.
    pub comm: Vec<u8>,
    /// Open descriptors in its fullest table (threads may have tables of their own).
    pub descriptors: u32,
    /// Soft `RLIMIT_NOFILE`; `u64::MAX` is unlimited.
    pub descriptor_limit: u64,
}

/// All that one pass over the kernel's books found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Everyone who is charged anything, or whom someone draws on, sorted by key.
    pub users: Vec<UserCounters>,
    /// Instances that some descriptor leads to, each once.
    pub instances: Vec<Instance>,
    /// Processes, sorted by pid.
    pub processes: Vec<Process>,
    /// Descriptors registered with epoll by uid (`fs.epoll.max_user_watches`), sorted; each may be
    /// too low by 32 for each CPU, which adds its own to the count only from there on.
    pub epoll: Vec<(u32, u64)>,
}

impl Tally {
    /// What `key` is charged and no descriptor explains: (instances, watches).
    #[must_use]
    pub fn unattributed(&self, key: UserKey) -> Option<(u64, u64)> {
        let user = self.users.iter().find(|u| u.key == key)?;
        let (mut instances, mut watches) = (user.instances.used, user.watches.used);
        for seen in self.instances.iter().filter(|i| self.draws_on(i, key)) {
            instances = instances.saturating_sub(1);
            watches = watches.saturating_sub(seen.watches);
        }
        Some((instances, watches))
    }

    /// Whether `instance` counts against `key`, directly or through the namespaces between.
    fn draws_on(&self, instance: &Instance, key: UserKey) -> bool {
        let parent = |k| self.users.iter().find(|u| u.key == k)?.draws_on;
        std::iter::successors(instance.charged, |&k| parent(k)).any(|k| k == key)
    }
}
