//! How exact the figures of each limit are, and since which kernel it exists.

use crate::cause::Cause;
use crate::model::Provenance::{self, Estimated, Exact, Unavailable};

/// What is known of the figures of a limit that a collector reads.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// The limit.
    pub cause: Cause,
    /// How exact its use is with eBPF.
    pub with_ebpf: Provenance,
    /// How exact it is without.
    pub without: Provenance,
    /// The kernel that the limit, or its sysctl, is in since, and where that is written; `None` where neither a manual page nor the kernel's log says.
    pub since: Option<(&'static str, &'static str)>,
    /// The kernel that nospace needs to read it, where that is newer.
    pub needs: Option<&'static str>,
}

const fn of(cause: Cause, with_ebpf: Provenance, without: Provenance) -> Reading {
    Reading {
        cause,
        with_ebpf,
        without,
        since: None,
        needs: None,
    }
}

impl Reading {
    const fn since(self, version: &'static str, source: &'static str) -> Self {
        Self {
            since: Some((version, source)),
            ..self
        }
    }

    const fn needs(self, version: &'static str) -> Self {
        Self {
            needs: Some(version),
            ..self
        }
    }
}

/// A row for each limit with a collector.
const READINGS: &[Reading] = &[
    of(Cause::InotifyWatches, Exact, Estimated).since("2.6.13", "inotify(7)"),
    of(Cause::InotifyInstances, Exact, Estimated).since("2.6.13", "inotify(7)"),
    of(Cause::CgroupLimit, Exact, Exact).since("4.14", "cgroups(7)"),
    of(Cause::MountLimit, Exact, Exact).since("4.9", "proc(5)"),
    of(Cause::NamespaceLimit, Estimated, Estimated)
        .since("4.9, time namespaces 5.7", "namespaces(7)"),
    of(Cause::DiskBlocks, Exact, Exact),
    of(Cause::DiskInodes, Exact, Exact),
    of(Cause::DiskSpace, Exact, Exact),
    of(Cause::DevShm, Exact, Exact).since("2.4", "tmpfs(5)"),
    of(Cause::ProcessFiles, Exact, Exact).since("fs.nr_open 2.6.25", "proc(5)"),
    of(Cause::SystemFiles, Exact, Exact),
    of(Cause::Pids, Exact, Exact)
        .since(
            "kernel.pid_max 2.5.34, kernel.threads-max 2.3.11",
            "proc(5)",
        )
        .needs("users 5.14, pid namespaces 6.14, both with eBPF"),
    of(Cause::Keys, Exact, Exact).since("2.6.26", "keyrings(7)"),
    of(Cause::SysvSemaphores, Exact, Exact).since("2.4", "proc(5)"),
    of(Cause::SysvShm, Exact, Exact).since("2.4", "proc(5)"),
    of(Cause::EpollWatches, Estimated, Estimated).since("2.6.28", "epoll(7)"),
    of(Cause::Ptys, Exact, Exact).since("2.6.4", "proc(5)"),
    of(Cause::Fanotify, Exact, Unavailable)
        .since("5.13", "fanotify(7)")
        .needs("5.13"),
    of(Cause::PosixMqueue, Exact, Unavailable)
        .since(
            "2.6.6, RLIMIT_MSGQUEUE 2.6.8",
            "mq_overview(7), getrlimit(2)",
        )
        .needs("bytes of users 5.14"),
    of(Cause::SysvMessages, Exact, Exact).since("2.4", "proc(5)"),
    of(Cause::Aio, Exact, Exact).since("2.6.4", "proc(5)"),
    of(Cause::MaxMapCount, Exact, Unavailable),
    of(Cause::Memlock, Exact, Unavailable)
        .since("of processes without CAP_IPC_LOCK 2.6.9", "getrlimit(2)")
        .needs("users 5.14"),
    of(Cause::Conntrack, Exact, Exact).since("2.6.15", "commit 9fb9cbb1082d"),
    of(Cause::NeighborTable, Estimated, Estimated).since("2.2", "arp(7)"),
    of(Cause::BpfJit, Estimated, Estimated).since("4.20", "commit ede95a63b5e8"),
    of(Cause::EphemeralPorts, Estimated, Estimated).since("2.2", "ip(7)"),
    of(Cause::DiskQuota, Exact, Exact).since("of projects 4.1", "quotactl(2)"),
    of(Cause::BtrfsMetadata, Exact, Exact).since("its figures 3.14", "btrfs(5)"),
    of(Cause::Hugepages, Exact, Exact)
        .since("SHM_HUGETLB 2.6, MAP_HUGETLB 2.6.32", "shmget(2), mmap(2)"),
    of(Cause::BridgePorts, Exact, Exact),
];

/// What is known of the figures of `cause`; `None` where only logs tell of it.
#[must_use]
pub fn reading(cause: Cause) -> Option<&'static Reading> {
    READINGS.iter().find(|reading| reading.cause == cause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::LIMITS;

    #[test]
    fn every_limit_that_is_read_has_a_row() {
        for limit in LIMITS {
            let rows = READINGS.iter().filter(|row| row.cause == limit.cause);
            let expected = usize::from(limit.collector.is_some());
            assert_eq!(rows.count(), expected, "{}", limit.cause);
        }
    }
}
