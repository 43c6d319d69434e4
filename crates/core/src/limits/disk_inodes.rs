//! The inodes of a file system: ENOSPC for a new file, whatever `df` says of space.

use super::pressure::{self, at_limit, share};
use super::{Command, Limit, filesystem};
use crate::amount::thousands;
use crate::attribute::View;
use crate::cause::Cause;
use crate::model::Snapshot;
use crate::report::{Finding, Resource};

pub const LIMIT: Limit = Limit {
    collector: Some("filesystems"),
    usage,
    findings,
    commands: &[Command::any(
        "df -i; for d in /var/lib/*; do echo \"$(find $d -xdev | wc -l) $d\"; done | sort -rn | head",
        "shows which directories hold the inodes",
    )],
    ..Limit::in_logs(
        Cause::DiskInodes,
        "A file system has run out of inodes, although it may have space",
        include_str!("../../../../docs/causes/disk-inodes.md"),
    )
};

/// A file system that makes inodes as needed says 0 of 0.
fn usage(snapshot: &Snapshot) -> Vec<Resource> {
    filesystem::all(snapshot)
        .filter(|(_, usage)| usage.inodes > 0)
        .map(|(f, usage)| {
            let used = usage.inodes.saturating_sub(usage.inodes_free);
            let subject = filesystem::subject(f);
            Resource::exact(Cause::DiskInodes, subject, used, usage.inodes, "inodes")
        })
        .collect()
}

fn findings(view: &View) -> Vec<Finding> {
    pressure::pressed(view, Cause::DiskInodes)
        .map(|(resource, severity)| {
            let title = format!(
                "{} has used {} of {} inodes ({}): {}no file can be created, whatever df says of space",
                resource.subject,
                thousands(resource.used),
                thousands(resource.limit),
                share(resource),
                at_limit(resource)
            );
            let why = "Shows which directories hold the files.";
            let largest = filesystem::largest(resource, "-x --inodes", "-n", why);
            Finding {
                victims: filesystem::victims(view, resource),
                ..pressure::finding((resource, severity), title, largest.into_iter().collect())
            }
        })
        .collect()
}
