use std::cmp::Reverse;

use super::budget;
use crate::cause::Cause;
use crate::model::{Process, Snapshot};
use crate::report::Resource;

/// How many processes are listed: those nearest to their limit.
const LISTED: usize = 10;

/// Descriptors of the processes nearest to their RLIMIT_NOFILE.
pub fn resources(snapshot: &Snapshot) -> Vec<Resource> {
    let mut resources: Vec<Resource> = snapshot.processes.iter().filter_map(files).collect();
    resources.sort_by_key(|r| Reverse(r.percent()));
    resources.truncate(LISTED);
    resources
}

fn files(process: &Process) -> Option<Resource> {
    let subject = format!("{} (pid {})", process.comm, process.pid);
    let used = u64::from(process.descriptors);
    let limit = process.descriptor_limit.filter(|limit| *limit > 0)?;
    Some(budget(Cause::ProcessFiles, subject, used, limit, "files"))
}
