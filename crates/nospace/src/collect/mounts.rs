//! Mounts of each mount namespace.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use anyhow::anyhow;
use nospace_core::model::{MountNamespace, Mounts};

use super::read::{self, is_missed};
use super::run::{CollectResult, Measurement, how_to_see};
use crate::host::{Host, ReadError, ReadResult, Tasks, proc};

/// Up to this many processes, all are asked; beyond, one of each mount namespace, and those that
/// share it are taken to share the others: containers never share it, and asking costs as much as
/// all else.
const ASK_ALL: usize = 500;

/// Which processes live in which mount namespace.
#[derive(Default)]
pub struct Walk {
    /// Processes of each namespace, sorted.
    pub namespaces: BTreeMap<u64, Vec<u32>>,
    /// The namespace of pid 1.
    pub initial: Option<u64>,
    /// Processes whose namespace is known.
    pub known: usize,
    /// Processes that nospace may not ask.
    pub denied: usize,
    /// Why others did not answer.
    pub failed: Option<ReadError>,
}

impl Walk {
    /// The processes that are asked which other namespaces they live in.
    pub fn asked(&self) -> Vec<u32> {
        let of_each = match self.known {
            ..=ASK_ALL => usize::MAX,
            _ => 1,
        };
        let pids = self.namespaces.values();
        pids.flat_map(|pids| pids.iter().take(of_each))
            .copied()
            .collect()
    }

    /// A namespace may have been missed.
    pub fn is_partial(&self) -> bool {
        self.denied > 0 || self.failed.is_some()
    }

    /// Most namespaces may have been missed.
    pub fn is_blind(&self) -> bool {
        self.denied > self.known
    }
}

/// Asks every process for its mount namespace.
///
/// # Errors
///
/// When procfs cannot be listed.
pub fn walk(host: &dyn Host) -> ReadResult<Walk> {
    let mut walk = Walk::default();
    let mut pids = host.pids()?;
    pids.sort_unstable();
    for pid in pids {
        match namespace(host, pid, "mnt") {
            Ok(id) => {
                walk.namespaces.entry(id).or_default().push(pid);
                walk.known += 1;
                if pid == 1 {
                    walk.initial = Some(id);
                }
            }
            Err(ReadError::Denied) => walk.denied += usize::from(is_missed(host, pid)),
            Err(ReadError::Gone) => {}
            Err(error) => walk.failed = Some(error),
        }
    }
    Ok(walk)
}

/// Inode number of a process's namespace of one kind.
pub fn namespace(host: &dyn Host, pid: u32, kind: &str) -> ReadResult<u64> {
    namespace_at(host, &format!("{pid}/ns/{kind}"))
}

/// The inode number in a link like `user:[4026531837]`, by its path below procfs.
pub fn namespace_at(host: &dyn Host, path: &str) -> ReadResult<u64> {
    let target = host.link(proc(path))?;
    let inode = target
        .split(['[', ']'])
        .nth(1)
        .and_then(|inode| inode.parse().ok());
    inode.ok_or_else(|| ReadError::Failed(format!("{target:?} names no namespace")))
}

/// The walk, which must have begun.
pub fn listed(walk: &ReadResult<Walk>) -> anyhow::Result<&Walk> {
    walk.as_ref()
        .map_err(|error| anyhow!("cannot list processes: {error}"))
}

/// As the kernel's account has them.
pub fn of_tasks(host: &dyn Host, tasks: &Tasks) -> CollectResult<Mounts> {
    Ok(Measurement::exact(Mounts {
        max: read::sysctl(host, "fs.mount-max")?,
        namespaces: tasks.mounts.clone(),
    }))
}

/// Counts the mounts of each namespace through one process that lives in it.
pub fn collect(host: &dyn Host, walk: &ReadResult<Walk>) -> CollectResult<Mounts> {
    let walk = listed(walk)?;
    let max = read::sysctl(host, "fs.mount-max")?;
    let mut namespaces = Vec::new();
    let mut gaps = Vec::new();
    for (&id, pids) in &walk.namespaces {
        // A process may end meanwhile, and its namespace live on with others.
        let mut answers = pids.iter().map(|&pid| (pid, mounts(host, pid)));
        match answers.find(|(_, answer)| *answer != Err(ReadError::Gone)) {
            Some((pid, Ok(mounts))) => namespaces.push(MountNamespace { id, mounts, pid }),
            Some((pid, Err(error))) => gaps.push(format!("/proc/{pid}/mountinfo: {error}")),
            None => {}
        }
    }
    if walk.denied > 0 {
        let (processes, have) = match walk.denied {
            1 => ("process", "has"),
            _ => ("processes", "have"),
        };
        gaps.push(format!(
            "{} {processes} {have} a mount namespace that nospace cannot read; {}",
            walk.denied,
            how_to_see(host)
        ));
    }
    if let Some(error) = &walk.failed {
        gaps.push(format!("/proc/PID/ns/mnt: {error}"));
    }
    Ok(Measurement::exact(Mounts { max, namespaces })
        .partial(!gaps.is_empty())
        .blind(walk.is_blind())
        .with_gaps(gaps))
}

/// Mounts that a process sees.
fn mounts(host: &dyn Host, pid: u32) -> ReadResult<u64> {
    let mut mounts = 0;
    host.lines(proc(&format!("{pid}/mountinfo")), &mut |line| {
        mounts += u64::from(!line.is_empty());
        ControlFlow::Continue(())
    })?;
    Ok(mounts)
}
