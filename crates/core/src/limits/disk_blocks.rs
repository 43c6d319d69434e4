//! The blocks of a file system: ENOSPC from write(2), and what `df` shows.

use super::remedy::remedy;
use super::{Command, Limit, filesystem};
use crate::attribute::View;
use crate::cause::Cause;
use crate::model::{Program, Snapshot};
use crate::report::{Remedy, Resource};
use crate::runtimes::RUNTIMES;

pub const LIMIT: Limit = Limit {
    collector: Some("filesystems"),
    usage,
    findings: |view| filesystem::blocks_findings(view, Cause::DiskBlocks, remedies),
    commands: &[
        Command::any("df -h; df -i", "blocks and inodes of every file system"),
        Command::with(
            Program::Crictl,
            "crictl rmi --prune",
            "removes images that no container uses",
        ),
    ],
    ..Limit::in_logs(
        Cause::DiskBlocks,
        "A file system has run out of blocks",
        include_str!("../../../../docs/causes/disk-blocks.md"),
    )
};

fn usage(snapshot: &Snapshot) -> Vec<Resource> {
    filesystem::all(snapshot)
        .filter(|(f, _)| f.mountpoint != filesystem::DEV_SHM)
        .filter_map(|(f, usage)| filesystem::blocks(Cause::DiskBlocks, f, usage))
        .collect()
}

fn remedies(view: &View, resource: &Resource) -> Vec<Remedy> {
    let why = "Shows which directories hold the space.";
    let largest = filesystem::largest(resource, "-xh", "-h", why);
    let mut remedies: Vec<Remedy> = largest.into_iter().collect();
    let serves = filesystem::serves(view, resource);
    for images in RUNTIMES.into_iter().filter_map(|d| d.images.as_ref()) {
        let known = remedies.iter().any(|r| r.command == images.prune);
        if !known && view.has(images.program) && serves.iter().any(|path| path == images.directory)
        {
            remedies.push(remedy(images.prune, images.why));
        }
    }
    remedies.push(remedy(
        "find /proc/[0-9]*/fd -lname '* (deleted)' -printf '%p %l\\n' 2>/dev/null | head -20",
        "Shows files that were removed and are still open: their space is free only when they are closed.",
    ));
    remedies
}
