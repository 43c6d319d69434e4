//! The file systems that matter to a node: blocks and inodes, each device once.
//!
//! Only local types are asked. statfs(2) on a network or FUSE mount can hang without end, and a
//! thread in that state cannot even be killed.

use std::collections::BTreeMap;
use std::path::Path;

use nospace_core::model::{Filesystem, FilesystemUsage};
use nospace_core::parse::mountinfo::Mount;
use nospace_core::report::percent;

use super::mount_table::{self, Table, is_local};
use super::run::{CollectResult, Measurement};
use crate::host::{Host, ReadError, root};

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

/// Types that are full when a disk below them is, or of which nobody can write more.
const NOT_ASKED: [&str; 5] = ["devtmpfs", "erofs", "hugetlbfs", "overlay", "squashfs"];
/// More file systems that serve none of the places are not asked.
const MAX_OTHERS: usize = 256;
/// From this share on, in percent, they are worth a word.
const FULL: u64 = 80;

/// Finds the file system of each place and of every tmpfs of a pod, and of all others those that are nearly full.
pub fn collect(host: &dyn Host) -> CollectResult<Vec<Filesystem>> {
    let mounts = mount_table::read(host)?;
    let mut found: BTreeMap<String, Filesystem> = BTreeMap::new();
    for place in PLACES {
        if let Some(mount) = mounts.resolve(host, Path::new(place)) {
            let entry = found
                .entry(mount.device.clone())
                .or_insert_with(|| describe(mount));
            entry.serves.push(place.to_owned());
        }
    }
    let mut gaps = Vec::new();
    let beyond = mounts.of_pods().skip(MAX_POD_MOUNTS).count() as u64;
    gaps.extend(unread(beyond, "tmpfs mounts of pods", MAX_POD_MOUNTS));
    for mount in mounts.of_pods().take(MAX_POD_MOUNTS) {
        let entry = found
            .entry(mount.device.clone())
            .or_insert_with(|| describe(mount));
        if entry.serves.is_empty() {
            entry.serves.push(mount.mountpoint.clone());
        }
    }
    let others = others(host, &mounts, &found, &mut gaps);
    let mut all: Vec<_> = found.into_values().map(|one| ask(host, one)).collect();
    gaps.extend(all.iter().filter_map(|one| {
        let why = one.unavailable.as_ref()?;
        Some(format!("free space of {}: {why}", one.mountpoint))
    }));
    all.extend(others);
    all.sort_by(|a, b| a.mountpoint.cmp(&b.mountpoint));
    Ok(Measurement::exact(all)
        .partial(!gaps.is_empty())
        .with_gaps(gaps))
}

/// Somebody's data may lie anywhere: what is nearly full is found there too.
fn others(
    host: &dyn Host,
    mounts: &Table,
    found: &BTreeMap<String, Filesystem>,
    gaps: &mut Vec<String>,
) -> Vec<Filesystem> {
    let mut others: BTreeMap<&str, &Mount> = BTreeMap::new();
    for mount in mounts.writable() {
        let asked = is_local(&mount.fstype) && !NOT_ASKED.contains(&mount.fstype.as_str());
        // What is mounted among the kernel's own files, such as the tmpfs above the cgroup hierarchies, holds nobody's data.
        let kernels = ["/proc/", "/sys/"].map(|top| mount.mountpoint.starts_with(top));
        if asked && !kernels.contains(&true) && !found.contains_key(&mount.device) {
            others.entry(&mount.device).or_insert(mount);
        }
    }
    let mut full = Vec::new();
    let mut denied = Vec::new();
    let beyond = others.len().saturating_sub(MAX_OTHERS) as u64;
    gaps.extend(unread(beyond, "other file systems", MAX_OTHERS));
    for mount in others.into_values().take(MAX_OTHERS) {
        match host.statfs(root(&mount.mountpoint)) {
            Ok(usage) if is_nearly_full(&usage) => full.push(Filesystem {
                usage: Some(usage),
                serves: vec![mount.mountpoint.clone()],
                ..describe(mount)
            }),
            Ok(_) | Err(ReadError::Gone) => {}
            Err(ReadError::Denied) => denied.push(&*mount.mountpoint),
            Err(error) => gaps.push(format!("free space of {}: {error}", mount.mountpoint)),
        }
    }
    gaps.extend(denied_gap(&denied));
    full
}

/// What lies beyond a bound.
fn unread(beyond: u64, what: &str, bound: usize) -> Option<String> {
    let gap = || format!("free space of {beyond} {what} was not read, only of the first {bound}");
    (beyond > 0).then(gap)
}

/// What a missing capability hides: a full file system behind somebody else's directory.
fn denied_gap(denied: &[&str]) -> Option<String> {
    let (first, rest) = denied.split_first()?;
    let more = match rest.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!(
        "no permission to read the free space of {first}{more}; run as root or with CAP_DAC_READ_SEARCH"
    ))
}

fn is_nearly_full(usage: &FilesystemUsage) -> bool {
    let full = |used: u64, limit: u64| {
        limit > 0 && percent(used, limit).is_none_or(|percent| percent >= FULL)
    };
    let used = usage.blocks.saturating_sub(usage.blocks_free);
    full(used, used.saturating_add(usage.blocks_available))
        || full(usage.inodes.saturating_sub(usage.inodes_free), usage.inodes)
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
        let why = format!("not read: {} can hang", filesystem.fstype);
        filesystem.unavailable = Some(why);
        return filesystem;
    }
    match host.statfs(root(&filesystem.mountpoint)) {
        Ok(usage) => filesystem.usage = Some(usage),
        Err(error) => filesystem.unavailable = Some(error.to_string()),
    }
    filesystem
}
