//! Command lines of the processes that hold inotify, on request.

use std::collections::{BTreeMap, BTreeSet};

use nospace_core::model::Snapshot;
use nospace_core::parse::cmdline;
use nospace_core::report::ProcessUse;

use crate::host::{Host, proc};

/// No longer than the kernel lets arguments be (`_STK_LIM / 4 * 3`, fs/exec.c), and the environment that a program can write over.
const MAX_CMDLINE: usize = 16 << 20;

/// Adds their command lines to `processes`; returns how many could not be read, for example because the process has exited.
pub fn add(host: &dyn Host, processes: &mut [ProcessUse]) -> usize {
    let lines = read(host, processes.iter().map(|process| process.pid));
    for process in &mut *processes {
        process.cmdline = lines.get(&process.pid).cloned();
    }
    processes.iter().filter(|one| one.cmdline.is_none()).count()
}

/// Reads the command line of each holder, so that a recording has them.
pub fn ask(host: &dyn Host, snapshot: &Snapshot) {
    let instances = snapshot.inotify.iter().flat_map(|one| &one.instances);
    let pids: BTreeSet<u32> = instances
        .flat_map(|one| &one.holders)
        .map(|holder| holder.pid)
        .collect();
    read(host, pids.into_iter());
}

fn read(host: &dyn Host, pids: impl Iterator<Item = u32>) -> BTreeMap<u32, Vec<String>> {
    pids.filter_map(|pid| Some((pid, of(host, pid)?))).collect()
}

/// The command line of a process; `None` where it could not be read, for example because the process has exited.
pub fn of(host: &dyn Host, pid: u32) -> Option<Vec<String>> {
    let mut bytes = Vec::new();
    let place = format!("{pid}/cmdline");
    host.read(proc(&place), MAX_CMDLINE, &mut bytes).ok()?;
    Some(cmdline::shown(&bytes))
}
