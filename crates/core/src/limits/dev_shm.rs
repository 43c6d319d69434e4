//! /dev/shm: a file system of shared memory, 64 MiB in a container.

use super::remedy::remedy;
use super::sysctl::suggest_limit;
use super::{Command, Limit, filesystem};
use crate::attribute::View;
use crate::cause::Cause;
use crate::model::Snapshot;
use crate::report::{Remedy, Resource};

pub const LIMIT: Limit = Limit {
    collector: Some("filesystems"),
    usage,
    findings: |view| filesystem::blocks_findings(view, Cause::DevShm, remedies),
    commands: &[Command::any(
        "df -h /dev/shm",
        "in a pod: mount an emptyDir with medium Memory at /dev/shm; with Docker: --shm-size",
    )],
    ..Limit::in_logs(
        Cause::DevShm,
        "A /dev/shm is full",
        include_str!("../../../../docs/causes/dev-shm.md"),
    )
};

fn usage(snapshot: &Snapshot) -> Vec<Resource> {
    filesystem::all(snapshot)
        .filter(|(f, _)| f.mountpoint == filesystem::DEV_SHM)
        .filter_map(|(f, usage)| filesystem::blocks(Cause::DevShm, f, usage))
        .collect()
}

/// What is stored there is memory: no more than three quarters of it are offered.
fn remedies(view: &View, resource: &Resource) -> Vec<Remedy> {
    let memory = view.snapshot.node.memory_bytes;
    let most = memory.map_or(u64::MAX, |memory| memory / 4 * 3);
    let grow = suggest_limit(resource.used, resource.limit, 0, most).map(|size| {
        remedy(
            format!("mount -o remount,size={size} /dev/shm"),
            "Takes effect at once; what is stored there is memory. In a pod the emptyDir with medium Memory that is \
             mounted at /dev/shm sets the size.",
        )
    });
    let show = remedy(
        "ls -lS /dev/shm | head",
        "Shows what is stored there; a file that no process uses can go.",
    );
    grow.into_iter().chain([show]).collect()
}
