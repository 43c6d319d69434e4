//! The file systems that matter to a node: blocks and inodes, each device once.
//!
//! Only local types are asked. statfs(2) on a network or FUSE mount can hang without end, and a
//! thread in that state cannot even be killed.

use std::collections::BTreeMap;
use std::path::Path;

use nospace_core::model::Filesystem;
use nospace_core::parse::mountinfo::Mount;

use super::mount_table::{self, Table, is_local};
use super::run::{Collected, Collection};
use crate::host::{Host, root};

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
