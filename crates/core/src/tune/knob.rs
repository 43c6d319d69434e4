//! The sysctls that tune knows: their range, and what full use of one costs.

use crate::cause::Cause;
use crate::parse::sysctl::number;
use crate::plan::memory::{EVENT_BYTES, INSTANCE_BYTES, MOST, WATCH_BYTES};
use crate::report::Resource;

/// The sysctls of inotify are ints (fs/notify/inotify/inotify_user.c); so are most others.
const INT: u64 = MOST;
const LONG: u64 = i64::MAX as u64;

/// A limit that can be raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Knob {
    /// Dotted name.
    pub key: &'static str,
    /// The least that the kernel takes.
    pub least: u64,
    /// The most that the kernel takes.
    pub most: u64,
    /// Memory of the kernel for each unit in use, in bytes; `None` where it takes none worth the name.
    pub unit_bytes: Option<u64>,
    /// What a raise goes up to at least.
    pub floor: u64,
    /// Whom the limit binds.
    pub each: &'static str,
}

const fn int(key: &'static str, unit_bytes: Option<u64>, each: &'static str) -> Knob {
    Knob {
        key,
        least: 0,
        most: INT,
        unit_bytes,
        floor: 0,
        each,
    }
}

const NODE: &str = "the node";
const USER: &str = "each user";

/// All of them.
pub const KNOBS: [Knob; 22] = [
    int("fs.inotify.max_user_instances", Some(INSTANCE_BYTES), USER),
    int("fs.inotify.max_user_watches", Some(WATCH_BYTES), USER),
    int(
        "fs.inotify.max_queued_events",
        Some(EVENT_BYTES),
        "each instance",
    ),
    // "One file with associated inode and dcache is very approximately 1K" (fs/file_table.c).
    Knob {
        most: LONG,
        ..int("fs.file-max", Some(1_024), NODE)
    },
    Knob {
        least: 64,
        most: INT - 63,
        ..int("fs.nr_open", None, "each process")
    },
    // `struct mount` and its names.
    Knob {
        least: 1,
        floor: 100_000,
        ..int("fs.mount-max", Some(512), "each mount namespace")
    },
    // epoll(7).
    Knob {
        most: LONG,
        ..int("fs.epoll.max_user_watches", Some(160), USER)
    },
    // `PID_MAX_LIMIT` (include/linux/threads.h): numbers alone take no memory, threads do.
    Knob {
        least: 301,
        most: 4_194_304,
        floor: 32_768,
        ..int("kernel.pid_max", None, NODE)
    },
    // 16 KiB of stack and `struct task_struct`; `MAX_THREADS` (kernel/fork.c).
    Knob {
        least: 1,
        most: 0x3fff_ffff,
        floor: 32_768,
        ..int("kernel.threads-max", Some(26_624), NODE)
    },
    // `struct key` and a description.
    int("kernel.keys.maxkeys", Some(320), USER),
    int("kernel.keys.maxbytes", Some(1), USER),
    int("kernel.keys.root_maxkeys", Some(320), "root"),
    int("kernel.keys.root_maxbytes", Some(1), "root"),
    // `IPCMNI` (include/linux/ipc_namespace.h).
    Knob {
        most: 32_768,
        ..int("kernel.shmmni", None, "each IPC namespace")
    },
    Knob {
        most: LONG,
        ..int("kernel.shmall", None, "each IPC namespace")
    },
    int("user.max_user_namespaces", None, USER),
    int("user.max_mnt_namespaces", None, USER),
    int("user.max_net_namespaces", None, USER),
    int("user.max_pid_namespaces", None, USER),
    int("user.max_cgroup_namespaces", None, USER),
    int("user.max_ipc_namespaces", None, USER),
    int("user.max_uts_namespaces", None, USER),
];

/// The knob of that name, with dots or slashes.
#[must_use]
pub fn knob(key: &str) -> Option<&'static Knob> {
    let same = |knob: &&Knob| knob.key == key || knob.key.replace('.', "/") == key;
    KNOBS.iter().find(same)
}

/// Whether the kernel would take `value` for `key`; of keys that are no knob nothing is known, so yes.
#[must_use]
pub fn takes(key: &str, value: &str) -> bool {
    let range = |knob: &Knob| knob.least..=knob.most;
    match knob(key) {
        Some(knob) => number(value).is_some_and(|value| range(knob).contains(&value)),
        None => true,
    }
}

impl Knob {
    /// `fs.inotify.max_user_instances`.
    pub const INSTANCES: &'static Self = &KNOBS[0];
    /// `fs.inotify.max_user_watches`.
    pub const WATCHES: &'static Self = &KNOBS[1];

    /// The knob that limits this budget, where a sysctl does.
    #[must_use]
    pub fn of(resource: &Resource) -> Option<&'static Self> {
        let key = match resource.cause {
            Cause::SystemFiles => "fs.file-max",
            Cause::MountLimit => "fs.mount-max",
            Cause::EpollWatches => "fs.epoll.max_user_watches",
            Cause::Keys => match (resource.subject.as_str(), resource.unit.as_str()) {
                ("uid 0", "bytes") => "kernel.keys.root_maxbytes",
                ("uid 0", _) => "kernel.keys.root_maxkeys",
                (_, "bytes") => "kernel.keys.maxbytes",
                _ => "kernel.keys.maxkeys",
            },
            Cause::Pids | Cause::NamespaceLimit | Cause::SysvShm => resource.subject.as_str(),
            _ => return None,
        };
        knob(key)
    }

    /// Kernel memory when `value` is used up, in bytes.
    #[must_use]
    pub fn cost(&self, value: u64) -> Option<u64> {
        Some(self.unit_bytes?.saturating_mul(value))
    }

    /// The most whose full use takes no more than half of `memory` bytes.
    #[must_use]
    pub fn bearable(&self, memory: Option<u64>) -> u64 {
        match (self.unit_bytes, memory) {
            (Some(unit), Some(memory)) => (memory / 2 / unit).min(self.most),
            _ => self.most,
        }
    }

    /// A limit with room: the power of two from twice the use, at least the floor; `None` where that
    /// would not raise `limit`.
    #[must_use]
    pub fn roomy(&self, used: u64, limit: u64) -> Option<u64> {
        crate::diagnose::roomy(used, limit, self.floor, self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_name_what_they_say() {
        assert_eq!(Knob::INSTANCES.key, "fs.inotify.max_user_instances");
        assert_eq!(Knob::WATCHES.key, "fs.inotify.max_user_watches");
        assert_eq!(knob("fs/inotify/max_user_watches"), Some(Knob::WATCHES));
        assert_eq!(knob("vm.swappiness"), None);
    }

    #[test]
    fn values_out_of_range_are_not_taken() {
        assert!(takes("fs.inotify.max_user_watches", "0x7fffffff"));
        assert!(!takes("fs.inotify.max_user_watches", "2147483648"));
        assert!(!takes("kernel.pid_max", "4194305"));
        assert!(!takes("fs.file-max", "many"));
        assert!(takes("kernel.sem", "32000 1024000000 500 32000"));
    }

    #[test]
    fn half_of_the_memory_is_bearable() {
        let gib = Some(1 << 30);
        assert_eq!(Knob::WATCHES.bearable(gib), (1 << 29) / WATCH_BYTES);
        assert_eq!(Knob::WATCHES.bearable(None), INT);
        assert_eq!(knob("kernel.pid_max").unwrap().bearable(gib), 4_194_304);
    }
}
