//! What the limits of file systems have in common.

use super::pressure::{self, share};
use super::remedy::{quote, remedy};
use crate::amount;
use crate::attribute::View;
use crate::cause::Cause;
use crate::model::{Filesystem, FilesystemUsage, Snapshot};
use crate::report::{Finding, Remedy, Resource, Subject};

/// Images: full from the day they were made.
const IMAGES: [&str; 5] = ["squashfs", "erofs", "iso9660", "cramfs", "romfs"];
/// A file system with limits of its own, whose blocks are shared memory.
pub const DEV_SHM: &str = "/dev/shm";

/// Calls that take blocks or an inode of a file system, first those that can add an entry to a directory. The last ones only say so where blocks are taken late: NFS, FUSE, quotas of XFS.
pub const WRITES: [&str; 32] = [
    "open",
    "openat",
    "openat2",
    "creat",
    "mkdir",
    "mkdirat",
    "mknod",
    "mknodat",
    "symlink",
    "symlinkat",
    "link",
    "linkat",
    "rename",
    "renameat",
    "renameat2",
    "write",
    "pwrite64",
    "writev",
    "pwritev",
    "pwritev2",
    "sendfile",
    "splice",
    "copy_file_range",
    "fallocate",
    "truncate",
    "ftruncate",
    "setxattr",
    "fsetxattr",
    "msync",
    "fsync",
    "fdatasync",
    "close",
];

/// The first of [`WRITES`]: those that can add an entry to a directory.
pub const CREATES: [&str; 15] = {
    let mut all = [""; 15];
    let mut at = 0;
    while at < all.len() {
        all[at] = WRITES[at];
        at += 1;
    }
    all
};

/// The file systems that can fill up.
pub fn all(snapshot: &Snapshot) -> impl Iterator<Item = (&Filesystem, &FilesystemUsage)> {
    let filesystems = snapshot.filesystems.iter().flatten();
    filesystems
        .filter(|f| !IMAGES.contains(&f.fstype.as_str()))
        .filter_map(|f| Some((f, f.usage.as_ref()?)))
}

/// The blocks of one. Root's reserve is in neither figure, as in df(1): only root can still use it.
pub fn blocks(cause: Cause, filesystem: &Filesystem, usage: &FilesystemUsage) -> Option<Resource> {
    let bytes = |blocks: u64| blocks.saturating_mul(usage.block_size);
    let used = bytes(usage.blocks.saturating_sub(usage.blocks_free));
    let limit = used.saturating_add(bytes(usage.blocks_available));
    let reserve = bytes(usage.blocks_free.saturating_sub(usage.blocks_available));
    (limit > 0).then(|| Resource {
        note: (reserve > 0)
            .then(|| format!("{} more are reserved for root", amount::bytes(reserve))),
        ..Resource::exact(cause, subject(filesystem), used, limit, "bytes")
    })
}

/// How budgets name it.
pub fn subject(filesystem: &Filesystem) -> Subject {
    Subject::Mount(filesystem.mountpoint.clone())
}

/// `/var has 1 GiB left of 100 GiB (99 % used)`.
fn blocks_title(resource: &Resource) -> String {
    format!(
        "{} has {} left of {} ({} used)",
        resource.subject,
        amount::bytes(resource.limit.saturating_sub(resource.used)),
        amount::bytes(resource.limit),
        share(resource)
    )
}

/// What a node keeps on the file system of this budget: `/var/lib/kubelet` and the like.
pub fn serves<'v>(view: &'v View, resource: &Resource) -> &'v [String] {
    let Subject::Mount(mountpoint) = &resource.subject else {
        return &[];
    };
    let mut filesystems = view.snapshot.filesystems.iter().flatten();
    filesystems
        .find(|f| f.mountpoint == *mountpoint)
        .map_or(&[], |f| &f.serves)
}

/// Who is refused when it is full.
pub fn victims(view: &View, resource: &Resource) -> Vec<String> {
    let serves = serves(view, resource).iter();
    serves.map(|path| format!("writes below {path}")).collect()
}

/// `du`, with these options, below the mount point.
pub fn largest(resource: &Resource, du: &str, sort: &str, why: &str) -> Option<Remedy> {
    let place = quote(&resource.subject.to_string())?;
    Some(remedy(
        format!("du {du} -d 3 {place} | sort {sort} | tail -20"),
        why,
    ))
}

/// What is wrong with the blocks that are budgets of `cause`.
pub fn blocks_findings(
    view: &View,
    cause: Cause,
    remedies: fn(&View, &Resource) -> Vec<Remedy>,
) -> Vec<Finding> {
    pressure::pressed(view, cause)
        .map(|(resource, severity)| Finding {
            victims: victims(view, resource),
            ..pressure::finding(
                (resource, severity),
                blocks_title(resource),
                remedies(view, resource),
            )
        })
        .collect()
}
