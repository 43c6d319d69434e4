use std::fmt;

use serde::{Deserialize, Serialize};

/// Inode number of the initial user namespace (`PROC_USER_INIT_INO`, include/uapi/linux/nsfs.h).
pub const INITIAL_USER_NAMESPACE: u64 = 4_026_531_837;

/// What the kernel charges inotify to: a uid *in* a user namespace (`struct ucounts`, kernel/ucount.c).
///
/// The uid is the one that the initial namespace knows (the kuid).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UserKey {
    /// Inode number of the user namespace.
    pub user_namespace: u64,
    /// uid as the initial user namespace sees it.
    pub uid: u32,
}

impl UserKey {
    /// The user `uid` of the initial user namespace.
    #[must_use]
    pub fn initial(uid: u32) -> Self {
        Self {
            user_namespace: INITIAL_USER_NAMESPACE,
            uid,
        }
    }

    /// Whether it is of the initial user namespace, which has no namespace above it.
    #[must_use]
    pub fn is_initial(self) -> bool {
        self.user_namespace == INITIAL_USER_NAMESPACE
    }
}

/// `uid 0`, with its user namespace where that is not the initial one.
impl fmt::Display for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "uid {}", self.uid)?;
        if self.user_namespace != INITIAL_USER_NAMESPACE {
            write!(f, " of user namespace {}", self.user_namespace)?;
        }
        Ok(())
    }
}

/// A descriptor through which an instance is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Descriptor {
    /// Thread-group id.
    pub pid: u32,
    /// Descriptor number in that process.
    pub fd: u32,
}

/// One inotify instance, however many descriptors lead to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Watches in it.
    pub watches: u32,
    /// Whom the kernel charges, as well as the source can tell.
    pub charged: UserKey,
    /// Every descriptor seen, sorted; never empty.
    pub holders: Vec<Descriptor>,
}

/// The kernel's own counters of one user; only eBPF can read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserCounters {
    /// The account.
    pub key: UserKey,
    /// Instances charged.
    pub instances: u64,
    /// Watches charged.
    pub watches: u64,
    /// The limit of instances that binds first on the way to the initial namespace.
    pub instances_limit: u64,
    /// The limit of watches that binds first on the way to the initial namespace.
    pub watches_limit: u64,
}

/// A user namespace and the user of its parent that it draws on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserNamespace {
    /// Inode number.
    pub id: u64,
    /// The parent and the uid that created this one: every charge goes to that pair too.
    pub draws_on: Option<UserKey>,
}

/// All inotify use that the source could see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inotify {
    /// Instances, each once.
    pub instances: Vec<Instance>,
    /// The kernel's counters; `None` when the source is /proc.
    pub counters: Option<Vec<UserCounters>>,
    /// Child user namespaces that hold instances.
    pub user_namespaces: Vec<UserNamespace>,
}
