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
            /// fanotify groups or marks of a user: EMFILE from fanotify_init(2), ENOSPC from fanotify_mark(2).
            Fanotify = "fanotify" in fanotify,
            /// POSIX message queues: EMFILE or ENOSPC from mq_open(3).
            PosixMqueue = "posix-mqueue" in posix_mqueue,
            /// System V message queues: ENOSPC from msgget(2).
            SysvMessages = "sysv-messages" in sysv_messages,
            /// Asynchronous I/O contexts of the system: EAGAIN from io_setup(2).
            Aio = "aio" in aio,
            /// Memory mappings of a process: ENOMEM from mmap(2), mprotect(2), munmap(2).
            MaxMapCount = "max-map-count" in max_map_count,
            /// Locked memory of a user or process: ENOMEM or EPERM by RLIMIT_MEMLOCK.
            Memlock = "memlock" in memlock,
            /// Connections that netfilter tracks: packets dropped.
            Conntrack = "conntrack" in conntrack,
            /// Neighbour entries (ARP, NDP) of the machine: ENOBUFS.
            NeighborTable = "neighbor-table" in neighbor_table,
            /// Memory for compiled BPF programs: errno 524, or EPERM.
            BpfJit = "bpf-jit" in bpf_jit,
            /// Local ports for outgoing connections: EADDRNOTAVAIL from connect(2).
            EphemeralPorts = "ephemeral-ports" in ephemeral_ports,
            /// A quota of a user, group or project on a file system: EDQUOT, or ENOSPC on XFS.
            DiskQuota = "disk-quota" in disk_quota,
            /// The index of one directory on ext4: ENOSPC for that directory alone.
            DirectoryIndex = "directory-index" in directory_index,
            /// Data or metadata blocks of an LVM thin pool, or device mapper's: I/O errors, ENOSPC.
            ThinPool = "thin-pool" in thin_pool,
            /// Metadata space of a btrfs: ENOSPC with data space left.
            BtrfsMetadata = "btrfs-metadata" in btrfs_metadata,
            /// Huge pages: ENOMEM from mmap(2), SIGBUS.
            Hugepages = "hugepages" in hugepages,
            /// A set of ipset or nftables: "Hash is full", ENFILE from netlink.
            SetFull = "set-full" in set_full,
            /// Ports of a bridge: EXFULL.
            BridgePorts = "bridge-ports" in bridge_ports,
            /// Entries of a BPF map: E2BIG, or ENOSPC from a trie.
            BpfMap = "bpf-map" in bpf_map,
            /// BPF programs attached to one hook, or in a chain of tail calls: E2BIG, ENOSPC.
            BpfPrograms = "bpf-programs" in bpf_programs,
            /// The buffer for the BPF verifier's log: ENOSPC from bpf(2).
            BpfLog = "bpf-log" in bpf_log,
            /// Descriptors of a user that are sent and not yet received: ETOOMANYREFS from sendmsg(2).
            UnixInFlight = "unix-in-flight" in unix_in_flight,
            /// The space quota of etcd's database: writes refused.
            EtcdQuota = "etcd-quota" in etcd_quota,
            /// A Ceph OSD, pool or cluster at its full ratio: ENOSPC.
            CephFull = "ceph-full" in ceph_full,
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

            /// The codes closest to `word`, a mistyped one; empty where none is close.
            #[must_use]
            pub fn closest(word: &str) -> Vec<&'static str> {
                closest(word, Self::ALL.iter().map(|cause| cause.code()))
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

/// Of `codes` those that `word` may have been meant as, the closest first: at most three.
fn closest(word: &str, codes: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    let word = word.to_lowercase().replace('_', "-");
    let mut all: Vec<(usize, &str)> = codes
        .map(|code| {
            let distance = distance(&word, code);
            let is_part = word.len() >= 3 && code.contains(&word);
            let near = is_part || is_like_a_part(&word, code);
            (if near { distance.min(1) } else { distance }, code)
        })
        .filter(|(distance, code)| *distance <= code.len() / 3)
        .collect();
    all.sort_unstable();
    all.into_iter().take(3).map(|(_, code)| code).collect()
}

/// Whether `word` is one of the words of `code`, mistyped: `watchs`.
fn is_like_a_part(word: &str, code: &str) -> bool {
    let like = |part: &str| part.len() >= 4 && distance(word, part) <= part.len() / 4;
    word.len() >= 4 && code.split('-').any(like)
}

/// Letters to add, drop, change or swap between `a` and `b`.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let change = rows[i][j] + usize::from(x != y);
            let mut best = change.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i - 1] == *y && *x == b[j - 1] {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::Cause;

    #[test]
    fn a_mistyped_code_is_recognised() {
        for (word, code) in [
            ("inotify-watchs", "inotify-watches"),
            ("intofy-watches", "inotify-watches"),
            ("INOTIFY_INSTANCES", "inotify-instances"),
            ("conntrak", "conntrack"),
            ("map-count", "max-map-count"),
            ("quota", "disk-quota"),
            ("neighbour-table", "neighbor-table"),
            ("watchs", "inotify-watches"),
            ("watch", "epoll-watches"),
            ("inotify-watch", "inotify-watches"),
            ("instanses", "inotify-instances"),
            ("Semaphors", "sysv-semaphores"),
        ] {
            assert!(
                Cause::closest(word).contains(&code),
                "{word}: {:?}",
                Cause::closest(word)
            );
        }
        for word in [
            "syslog",
            "kubelet",
            "kern.log",
            "auth",
            "x",
            "",
            "messages-of-yesterday",
        ] {
            assert_eq!(Cause::closest(word), [] as [&str; 0], "{word}");
        }
        for cause in Cause::ALL {
            assert_eq!(Cause::closest(cause.code())[0], cause.code());
        }
    }
}
