//! Every budget other than inotify's, one kind a file where it needs more than a line.

mod cgroups;
mod filesystems;
mod kernel;
mod processes;

use crate::cause::Cause;
use crate::model::{Provenance, Snapshot};
use crate::report::Resource;

pub use cgroups::MEMORY_CGROUP_MAX;

/// All budgets that could be read, in the order of the cause codes, the fullest first.
pub fn resources(snapshot: &Snapshot) -> Vec<Resource> {
    let mut resources: Vec<Resource> = [
        filesystems::resources(snapshot),
        cgroups::resources(snapshot),
        processes::resources(snapshot),
        kernel::files(snapshot),
        kernel::pids(snapshot),
        kernel::mounts(snapshot),
        kernel::keys(snapshot),
        kernel::sysv(snapshot),
        kernel::epoll(snapshot),
        kernel::namespaces(snapshot),
    ]
    .into_iter()
    .flatten()
    .collect();
    resources.sort_by(|a, b| {
        (a.cause, b.percent(), &a.subject, &a.unit).cmp(&(
            b.cause,
            a.percent(),
            &b.subject,
            &b.unit,
        ))
    });
    resources
}

fn budget(cause: Cause, subject: impl Into<String>, used: u64, limit: u64, unit: &str) -> Resource {
    Resource {
        cause,
        subject: subject.into(),
        used,
        limit,
        unit: unit.to_owned(),
        provenance: Provenance::Exact,
        note: None,
    }
}

fn estimated(resource: Resource) -> Resource {
    Resource {
        provenance: Provenance::Estimated,
        ..resource
    }
}
