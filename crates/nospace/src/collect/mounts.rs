//! Mounts of each mount namespace.

use std::collections::BTreeMap;

use nospace_core::model::{MountNamespace, Mounts};
use nospace_core::parse::mountinfo;

use super::read::{self, is_kernel_thread};
use super::run::{Collected, Collection, how_to_see};
use crate::host::{Absent, Asked, Host, proc};

/// A mountinfo file is read up to this size: 100,000 mounts, the default of fs.mount-max.
const CAP: usize = 32 << 20;

/// Which processes live in which mount namespace.
#[derive(Default)]
pub struct Walk {
    /// Lowest pid and number of processes of each namespace.
    pub namespaces: BTreeMap<u64, (u32, u32)>,
    /// The namespace of pid 1.
    pub initial: Option<u64>,
    /// Processes seen.
    pub pids: Vec<u32>,
    /// Processes that nospace may not ask.
    pub denied: u32,
}

/// Asks every process for its mount namespace.
pub fn walk(host: &dyn Host) -> Walk {
    let mut walk = Walk::default();
    let mut pids = host.pids().unwrap_or_default();
    pids.sort_unstable();
    for pid in pids {
        match namespace(host, pid, "mnt") {
            Ok(id) => {
                walk.namespaces.entry(id).or_insert((pid, 0)).1 += 1;
                walk.pids.push(pid);
                if pid == 1 {
                    walk.initial = Some(id);
                }
            }
            Err(Absent::Denied) if !is_kernel_thread(host, pid) => walk.denied += 1,
            Err(_) => {}
        }
    }
    walk
}

/// Inode number of a process's namespace of one kind.
pub fn namespace(host: &dyn Host, pid: u32, kind: &str) -> Asked<u64> {
    let target = host.link(proc(&format!("{pid}/ns/{kind}")))?;
    let inode = target
        .split(['[', ']'])
        .nth(1)
        .and_then(|inode| inode.parse().ok());
    inode.ok_or_else(|| Absent::Failed(format!("{target:?} names no namespace")))
}

/// Counts the mounts of each namespace through one process that lives in it.
pub fn collect(host: &dyn Host, walk: &Walk) -> Collection<Mounts> {
    let max = read::sysctl(host, "fs.mount-max")?;
    let mut namespaces = Vec::new();
    let mut buffer = Vec::new();
    for (&id, &(pid, _)) in &walk.namespaces {
        if host
            .read(proc(&format!("{pid}/mountinfo")), CAP, &mut buffer)
            .is_ok()
        {
            namespaces.push(MountNamespace {
                id,
                mounts: mountinfo::count(&buffer),
                pid,
            });
        }
    }
    let mut gaps = Vec::new();
    if walk.denied > 0 {
        gaps.push(format!(
            "the mount namespaces of {} processes are not visible; {}",
            walk.denied,
            how_to_see(host)
        ));
    }
    Ok(Collected::exact(Mounts { max, namespaces }).with_gaps(gaps))
}
