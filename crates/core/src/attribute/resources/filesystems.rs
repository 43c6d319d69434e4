use super::budget;
use crate::amount;
use crate::cause::Cause;
use crate::model::{Filesystem, FilesystemUsage, Snapshot};
use crate::report::Resource;

/// Images: full from the day they were made.
const IMAGES: [&str; 5] = ["squashfs", "erofs", "iso9660", "cramfs", "romfs"];

/// Blocks and inodes of each file system.
pub fn resources(snapshot: &Snapshot) -> Vec<Resource> {
    snapshot
        .filesystems
        .iter()
        .flatten()
        .filter(|f| !IMAGES.contains(&f.fstype.as_str()))
        .filter_map(|f| Some((f, f.usage.as_ref()?)))
        .flat_map(|(f, usage)| [blocks(f, usage), inodes(f, usage)])
        .flatten()
        .collect()
}

/// Root's reserve is in neither figure, as in df(1): only root can still use it.
fn blocks(filesystem: &Filesystem, usage: &FilesystemUsage) -> Option<Resource> {
    let bytes = |blocks: u64| blocks.saturating_mul(usage.block_size);
    let used = bytes(usage.blocks.saturating_sub(usage.blocks_free));
    let limit = used.saturating_add(bytes(usage.blocks_available));
    let reserve = bytes(usage.blocks_free.saturating_sub(usage.blocks_available));
    let cause = if filesystem.mountpoint == "/dev/shm" {
        Cause::DevShm
    } else {
        Cause::DiskBlocks
    };
    (limit > 0).then(|| Resource {
        note: (reserve > 0)
            .then(|| format!("{} more are reserved for root", amount::bytes(reserve))),
        ..budget(cause, filesystem.mountpoint.as_str(), used, limit, "bytes")
    })
}

/// A file system that makes inodes as needed says 0 of 0.
fn inodes(filesystem: &Filesystem, usage: &FilesystemUsage) -> Option<Resource> {
    let used = usage.inodes.saturating_sub(usage.inodes_free);
    (usage.inodes > 0).then(|| {
        budget(
            Cause::DiskInodes,
            filesystem.mountpoint.as_str(),
            used,
            usage.inodes,
            "inodes",
        )
    })
}
