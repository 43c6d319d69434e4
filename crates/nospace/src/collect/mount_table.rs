//! The host's mounts, as those collectors need them that look for file systems.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::ensure;
use nospace_core::parse::mountinfo::{Mount, mount};
use nospace_core::watches::MountTable;

use super::read::lines;
use crate::host::{Host, ReadError, proc, root};

/// Types that answer from memory or a local disk.
const LOCAL: [&str; 23] = [
    "bcachefs",
    "btrfs",
    "devtmpfs",
    "erofs",
    "exfat",
    "ext2",
    "ext3",
    "ext4",
    "f2fs",
    "hugetlbfs",
    "jfs",
    "nilfs2",
    "ntfs3",
    "overlay",
    "ramfs",
    "reiserfs",
    "rootfs",
    "squashfs",
    "tmpfs",
    "ubifs",
    "vfat",
    "xfs",
    "zfs",
];

/// Links on the way to a place that are followed.
const MAX_LINKS: u32 = 16;

/// The mounts that the host's mountinfo names.
pub fn read(host: &dyn Host) -> anyhow::Result<Table> {
    let read = || of(host, &host.look().mounts_of).map(MountTable::new);
    host.mounts(&read).map(Table)
}

/// Reads the mounts that a process sees.
pub fn of(host: &dyn Host, process: &str) -> anyhow::Result<Vec<Mount>> {
    let path = format!("{process}/mountinfo");
    let mut mounts = Vec::new();
    let is_there = lines(host, proc(&path), |line| {
        mounts.push(mount(line)?);
        Ok(())
    })?;
    ensure!(is_there, "{}: {}", proc(&path), ReadError::Gone);
    Ok(mounts)
}

/// Whether a file system answers from memory or a local disk, and so cannot hang.
pub fn is_local(fstype: &str) -> bool {
    LOCAL.contains(&fstype)
}

/// Mounts, and what paths lie on.
#[derive(Default)]
pub struct Table(Arc<MountTable>);

impl Deref for Table {
    type Target = MountTable;

    fn deref(&self) -> &MountTable {
        &self.0
    }
}

impl Table {
    /// Of what /proc lists.
    pub fn new(mounts: Vec<Mount>) -> Self {
        Self(Arc::new(MountTable::new(mounts)))
    }

    /// The mount that a path without links lies on.
    fn mount_of(&self, path: &Path) -> Option<&Mount> {
        path.ancestors().find_map(|place| self.at(place.to_str()?))
    }

    /// The mount that `place` lies on, its links followed, without touching anything on a file
    /// system which may hang. `None` when the place is not there.
    pub fn resolve(&self, host: &dyn Host, place: &Path) -> Option<&Mount> {
        self.follow(place, |path| host.link(root(path)))
    }

    /// The same, where `place` is what a process calls it, and these are the mounts that it sees.
    pub fn resolve_for(&self, host: &dyn Host, pid: u32, place: &Path) -> Option<&Mount> {
        self.follow(place, |path| {
            host.link(proc(&format!("{pid}/root{}", path.display())))
        })
    }

    fn follow(
        &self,
        place: &Path,
        link: impl Fn(&Path) -> Result<String, ReadError>,
    ) -> Option<&Mount> {
        let mut todo: Vec<_> = place
            .components()
            .rev()
            .map(|part| part.as_os_str().to_owned())
            .collect();
        let mut path = PathBuf::from("/");
        let mut links = 0;
        while let Some(part) = todo.pop() {
            match part.to_str() {
                Some("/") => path = PathBuf::from("/"),
                Some(".") => {}
                Some("..") => {
                    path.pop();
                }
                _ => {
                    let next = path.join(&part);
                    let is_mount = next.to_str().is_some_and(|next| self.at(next).is_some());
                    let askable =
                        !is_mount && self.mount_of(&path).is_some_and(|m| is_local(&m.fstype));
                    match askable.then(|| link(&next)) {
                        Some(Ok(target)) if links < MAX_LINKS => {
                            links += 1;
                            let parts = Path::new(&target).components().rev();
                            todo.extend(parts.map(|part| part.as_os_str().to_owned()));
                        }
                        Some(Err(ReadError::Gone)) => return None,
                        _ => path = next,
                    }
                }
            }
        }
        self.mount_of(&path)
    }

    /// Those that can be written to.
    pub fn writable(&self) -> impl Iterator<Item = &Mount> {
        let writable = |options: &str| options.split(',').any(|option| option == "rw");
        self.visible()
            .filter(move |mount| writable(&mount.options) && writable(&mount.super_options))
    }

    /// emptyDir volumes in memory, and the /dev/shm that a runtime makes for each pod.
    pub fn of_pods(&self) -> impl Iterator<Item = &Mount> {
        self.visible().filter(|mount| {
            mount.fstype == "tmpfs"
                && (mount
                    .mountpoint
                    .contains("/volumes/kubernetes.io~empty-dir/")
                    || (mount.mountpoint.ends_with("/shm") && mount.mountpoint != "/dev/shm"))
        })
    }
}
