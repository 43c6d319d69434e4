//! The file systems that matter to a node: blocks and inodes, each device once.
//!
//! Only local types are asked. statfs(2) on a network or FUSE mount can hang without end, and a
//! thread in that state cannot even be killed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use nospace_core::model::Filesystem;
use nospace_core::parse::mountinfo::Mount;

use super::mount_table;
use super::run::{Collected, Collection};
use crate::host::{Absent, Host, root};

/// Where kubelet, runtimes and the system keep what they must be able to write.
const PLACES: [&str; 18] = [
    "/",
    "/var",
    "/var/log",
    "/var/log/pods",
    "/var/lib",
    "/var/lib/kubelet",
    "/var/lib/containerd",
    "/var/lib/docker",
    "/var/lib/containers",
    "/var/lib/etcd",
    "/var/lib/rancher",
    "/var/tmp",
    "/tmp",
    "/run",
    "/run/containerd",
    "/run/containers",
    "/run/lock",
    "/dev/shm",
];

/// Types that answer from memory or a local disk.
const LOCAL: [&str; 22] = [
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
];

/// Links on the way to a place that are followed.
const MAX_LINKS: u32 = 16;
/// More emptyDir and sandbox file systems than pods fit on a node are not asked.
const MAX_POD_MOUNTS: usize = 2000;

/// Finds the file system of each place, and of every tmpfs of a pod.
pub fn collect(host: &dyn Host) -> Collection<Vec<Filesystem>> {
    let mounts = Table::new(mount_table::read(host)?);
    let mut found: BTreeMap<String, Filesystem> = BTreeMap::new();
    for place in PLACES {
        if let Some(mount) = mounts.resolve(host, Path::new(place)) {
            let entry = found
                .entry(mount.device.clone())
                .or_insert_with(|| describe(mount));
            entry.serves.push(place.to_owned());
        }
    }
    for mount in mounts.of_pods().take(MAX_POD_MOUNTS) {
        let entry = found
            .entry(mount.device.clone())
            .or_insert_with(|| describe(mount));
        if entry.serves.is_empty() {
            entry.serves.push(mount.mountpoint.clone());
        }
    }
    let mut all: Vec<_> = found.into_values().map(|one| ask(host, one)).collect();
    all.sort_by(|a, b| a.mountpoint.cmp(&b.mountpoint));
    Ok(Collected::exact(all))
}

fn is_local(fstype: &str) -> bool {
    LOCAL.contains(&fstype)
}

fn describe(mount: &Mount) -> Filesystem {
    Filesystem {
        mountpoint: mount.mountpoint.clone(),
        device: mount.device.clone(),
        fstype: mount.fstype.clone(),
        ..Filesystem::default()
    }
}

fn ask(host: &dyn Host, mut filesystem: Filesystem) -> Filesystem {
    if !is_local(&filesystem.fstype) {
        let why = format!("{} may hang, so it was not asked", filesystem.fstype);
        filesystem.unavailable = Some(why);
        return filesystem;
    }
    match host.statfs(root(&filesystem.mountpoint)) {
        Ok(usage) => filesystem.usage = Some(usage),
        Err(absent) => filesystem.unavailable = Some(absent.to_string()),
    }
    filesystem
}

/// Mounts that are visible: the last one at each place.
struct Table(BTreeMap<PathBuf, Mount>);

impl Table {
    fn new(mounts: Vec<Mount>) -> Self {
        Self(
            mounts
                .into_iter()
                .map(|mount| (PathBuf::from(&mount.mountpoint), mount))
                .collect(),
        )
    }

    /// The mount that a path without links lies on.
    fn mount_of(&self, path: &Path) -> Option<&Mount> {
        path.ancestors().find_map(|place| self.0.get(place))
    }

    /// The mount that `place` lies on, its links followed, without touching anything on a file
    /// system which may hang. `None` when the place is not there.
    fn resolve(&self, host: &dyn Host, place: &Path) -> Option<&Mount> {
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
                    let is_mount = self.0.contains_key(&next);
                    let askable =
                        !is_mount && self.mount_of(&path).is_some_and(|m| is_local(&m.fstype));
                    match askable.then(|| host.link(root(&next))) {
                        Some(Ok(target)) if links < MAX_LINKS => {
                            links += 1;
                            let parts = Path::new(&target).components().rev();
                            todo.extend(parts.map(|part| part.as_os_str().to_owned()));
                        }
                        Some(Err(Absent::Gone)) => return None,
                        _ => path = next,
                    }
                }
            }
        }
        self.mount_of(&path)
    }

    /// emptyDir volumes in memory, and the /dev/shm that a runtime makes for each pod.
    fn of_pods(&self) -> impl Iterator<Item = &Mount> {
        self.0.values().filter(|mount| {
            mount.fstype == "tmpfs"
                && (mount
                    .mountpoint
                    .contains("/volumes/kubernetes.io~empty-dir/")
                    || (mount.mountpoint.ends_with("/shm") && mount.mountpoint != "/dev/shm"))
        })
    }
}
