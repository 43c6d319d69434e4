//! The cause codes: stable, citable, the same in findings, JSON, metrics and docs.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! causes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $code:literal,)+) => {
        /// Why a call was refused. Each code has a page in docs/causes/.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        pub enum Cause {
            $($(#[doc = $doc])+ #[serde(rename = $code)] $variant,)+
        }

        impl Cause {
            /// Every cause, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable code.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }
        }
    };
}

causes! {
    /// A user's inotify watches: ENOSPC from inotify_add_watch(2).
    InotifyWatches = "inotify-watches",
    /// A user's inotify instances: EMFILE from inotify_init1(2).
    InotifyInstances = "inotify-instances",
    /// An instance's queue of unread events: IN_Q_OVERFLOW, events lost.
    EventQueue = "event-queue",
    /// Control groups: ENOSPC or EAGAIN from mkdir(2) below a cgroup mount.
    CgroupLimit = "cgroup-limit",
    /// Kernel memory of cgroups on old kernels: ENOMEM from mkdir(2).
    CgroupKmem = "cgroup-kmem",
    /// A cpuset without CPUs or memory nodes: ENOSPC on attaching a task.
    CpusetEmpty = "cpuset-empty",
    /// Mounts of a mount namespace: ENOSPC from mount(2).
    MountLimit = "mount-limit",
    /// Namespaces of a user: ENOSPC from clone(2), unshare(2).
    NamespaceLimit = "namespace-limit",
    /// Blocks of a file system.
    DiskBlocks = "disk-blocks",
    /// Inodes of a file system.
    DiskInodes = "disk-inodes",
    /// Blocks or inodes, where only a log line is known.
    DiskSpace = "disk-space",
    /// A /dev/shm that is full.
    DevShm = "dev-shm",
    /// Descriptors of a process: EMFILE by RLIMIT_NOFILE.
    ProcessFiles = "process-files",
    /// Open files of the system: ENFILE by fs.file-max.
    SystemFiles = "system-files",
    /// Processes and threads: EAGAIN from clone(2).
    Pids = "pids",
    /// Kernel keys of a user: EDQUOT.
    Keys = "keys",
    /// System V semaphores: ENOSPC from semget(2).
    SysvSemaphores = "sysv-semaphores",
    /// System V shared memory: ENOSPC from shmget(2).
    SysvShm = "sysv-shm",
    /// epoll watches of a user: ENOSPC from epoll_ctl(2).
    EpollWatches = "epoll-watches",
    /// Lock files of podman or CRI-O.
    RuntimeLocks = "runtime-locks",
    /// Addresses of a pod network.
    IpPool = "ip-pool",
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
