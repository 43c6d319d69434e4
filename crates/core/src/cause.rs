//! The cause codes: stable, citable, the same in findings, JSON, metrics and docs.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The list of limits: what each is, its cause, its code, and the file in `limits/` that knows
/// everything else about it. Everything that runs over all limits is made from these rows.
macro_rules! for_each_limit {
    ($apply:ident) => {
        $apply! {
            /// A user's inotify watches: ENOSPC from inotify_add_watch(2).
            InotifyWatches = "inotify-watches" in inotify_watches,
            /// A user's inotify instances: EMFILE from inotify_init1(2).
            InotifyInstances = "inotify-instances" in inotify_instances,
            /// An instance's queue of unread events: IN_Q_OVERFLOW, events lost.
            EventQueue = "event-queue" in event_queue,
            /// Control groups: ENOSPC or EAGAIN from mkdir(2) below a cgroup mount.
            CgroupLimit = "cgroup-limit" in cgroup_limit,
            /// Kernel memory of cgroups on old kernels: ENOMEM from mkdir(2).
            CgroupKmem = "cgroup-kmem" in cgroup_kmem,
            /// A cpuset without CPUs or memory nodes: ENOSPC on attaching a task.
            CpusetEmpty = "cpuset-empty" in cpuset_empty,
            /// Mounts of a mount namespace: ENOSPC from mount(2).
            MountLimit = "mount-limit" in mount_limit,
            /// Namespaces of a user: ENOSPC from clone(2), unshare(2).
            NamespaceLimit = "namespace-limit" in namespace_limit,
            /// Blocks of a file system.
            DiskBlocks = "disk-blocks" in disk_blocks,
            /// Inodes of a file system.
            DiskInodes = "disk-inodes" in disk_inodes,
            /// Blocks or inodes, where only a log line is known.
            DiskSpace = "disk-space" in disk_space,
            /// A /dev/shm that is full.
            DevShm = "dev-shm" in dev_shm,
            /// Descriptors of a process: EMFILE by RLIMIT_NOFILE.
            ProcessFiles = "process-files" in process_files,
            /// Open files of the system: ENFILE by fs.file-max.
            SystemFiles = "system-files" in system_files,
            /// Processes and threads: EAGAIN from clone(2).
            Pids = "pids" in pids,
            /// Kernel keys of a user: EDQUOT.
            Keys = "keys" in keys,
            /// System V semaphores: ENOSPC from semget(2).
            SysvSemaphores = "sysv-semaphores" in sysv_semaphores,
            /// System V shared memory: ENOSPC from shmget(2).
            SysvShm = "sysv-shm" in sysv_shm,
            /// epoll watches of a user: ENOSPC from epoll_ctl(2).
            EpollWatches = "epoll-watches" in epoll_watches,
            /// Lock files of podman or CRI-O.
            RuntimeLocks = "runtime-locks" in runtime_locks,
            /// Addresses of a pod network.
            IpPool = "ip-pool" in ip_pool,
            /// Pseudoterminals: ENOSPC from open(2) of /dev/ptmx.
            Ptys = "ptys" in ptys,
        }
    };
}
pub(crate) use for_each_limit;

macro_rules! causes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $code:literal in $module:ident,)+) => {
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
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// The cause that has this code.
            #[must_use]
            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|cause| cause.code() == code)
            }
        }
    };
}

for_each_limit!(causes);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
