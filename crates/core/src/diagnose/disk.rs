//! File systems out of blocks or inodes; /dev/shm is one too.

use super::pressure::{self, share};
use super::remedy::{quote, remedy, roomy};
use crate::amount;
use crate::attribute::View;
use crate::cause::Cause;
use crate::report::{Finding, Remedy, Resource, Severity};

pub fn find(view: &View) -> Vec<Finding> {
    [Cause::DiskBlocks, Cause::DiskInodes, Cause::DevShm]
        .into_iter()
        .flat_map(|cause| pressure::pressed(view, cause))
        .map(|at| finding(view, at))
        .collect()
}

fn finding(view: &View, (resource, severity): (&Resource, Severity)) -> Finding {
    let (rule, title, remedies) = match resource.cause {
        Cause::DiskInodes => (
            "disk-inodes",
            inodes_title(resource),
            most_files(resource).into_iter().collect(),
        ),
        Cause::DevShm => (
            "dev-shm",
            blocks_title(resource),
            shm_remedies(view, resource),
        ),
        _ => (
            "disk-blocks",
            blocks_title(resource),
            blocks_remedies(view, resource),
        ),
    };
    let serves = serves(view, &resource.subject);
    Finding {
        victims: serves
            .iter()
            .map(|path| format!("whoever writes below {path}"))
            .collect(),
        ..pressure::finding(rule, (resource, severity), title, remedies)
    }
}

fn serves<'v>(view: &'v View, mount: &str) -> &'v [String] {
    let mut filesystems = view.snapshot.filesystems.iter().flatten();
    filesystems
        .find(|f| f.mountpoint == mount)
        .map_or(&[], |f| &f.serves)
}

fn inodes_title(resource: &Resource) -> String {
    format!(
        "{} has used {} of {} inodes ({}): no new file, whatever df says of space",
        resource.subject,
        resource.used,
        resource.limit,
        share(resource)
    )
}

fn blocks_title(resource: &Resource) -> String {
    format!(
        "{} has {} left of {} ({} used)",
        resource.subject,
        amount::bytes(resource.limit.saturating_sub(resource.used)),
        amount::bytes(resource.limit),
        share(resource)
    )
}

fn most_files(resource: &Resource) -> Option<Remedy> {
    Some(remedy(
        format!(
            "du -x --inodes -d 3 {} | sort -n | tail -20",
            quote(&resource.subject)?
        ),
        "Shows which directories hold the files.",
    ))
}

fn most_space(resource: &Resource) -> Option<Remedy> {
    Some(remedy(
        format!(
            "du -xh -d 3 {} | sort -h | tail -20",
            quote(&resource.subject)?
        ),
        "Shows which directories hold the space.",
    ))
}

fn blocks_remedies(view: &View, resource: &Resource) -> Vec<Remedy> {
    let mut remedies: Vec<Remedy> = most_space(resource).into_iter().collect();
    let serves = serves(view, &resource.subject);
    let images = ["/var/lib/containerd", "/var/lib/containers"];
    if serves.iter().any(|s| images.contains(&s.as_str())) {
        remedies.push(remedy(
            "crictl rmi --prune",
            "Removes images that no container uses; they are pulled again when needed.",
        ));
    }
    if serves.iter().any(|s| s == "/var/lib/docker") {
        remedies.push(remedy(
            "docker image prune",
            "Removes dangling images; it asks first.",
        ));
    }
    remedies.push(remedy(
        "find /proc/[0-9]*/fd -lname '* (deleted)' -printf '%p %l\\n' 2>/dev/null | head -20",
        "Shows files that were removed and are still open: their space is free only when they are closed.",
    ));
    remedies
}

/// What is stored there is memory: no more than three quarters of it are offered.
fn shm_remedies(view: &View, resource: &Resource) -> Vec<Remedy> {
    let memory = view.snapshot.node.memory_bytes;
    let most = memory.map_or(u64::MAX, |memory| memory / 4 * 3);
    let grow = roomy(resource.used, resource.limit, 0, most).map(|size| {
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
