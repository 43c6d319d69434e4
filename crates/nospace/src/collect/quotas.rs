//! Project quotas, as statfs of the directories shows them that have one.

use std::collections::BTreeSet;
use std::path::Path;

use nospace_core::cause::Cause;
use nospace_core::model::{FilesystemUsage, Resource, Subject};
use nospace_core::parse::mountinfo::Mount;

use super::mount_table::{self, Table, is_local};
use super::read;
use super::run::{CollectResult, Measurement};
use crate::host::{Host, ReadError, root};

/// Options of a mount on which project quotas are enforced (ext4, f2fs; XFS).
const OF_PROJECTS: [&str; 2] = ["prjquota", "pquota"];
/// Options of one on which those of users and groups are.
const OF_OWNERS: [&str; 6] = [
    "usrquota",
    "grpquota",
    "uquota",
    "gquota",
    "quota",
    "usrjquota",
];
/// Directories that programs give quotas to, wherever they are mounted: the kubelet's volumes, Docker's layers, and volumes of
/// storage drivers, which lie at the top of a file system.
const PARENTS: [&str; 3] = [
    "/var/lib/kubelet/pods/*/volumes/*",
    "/var/lib/docker/overlay2",
    "/var/lib/containers/storage/overlay",
];
/// More directories of one file system are not asked.
const MAX_DIRECTORIES: usize = 5_000;

/// Asks the directories of file systems that were mounted with project quotas; there are none on most nodes.
///
/// ext4 and XFS answer statfs(2) of a directory with the soft limit where it has one, else with the hard one
/// (`ext4_statfs_project`, `xfs_fill_statvfs_from_dquot`): estimated.
pub fn collect(host: &dyn Host) -> CollectResult<Vec<Resource>> {
    let mounts = mount_table::read(host)?;
    let has_quotas = |mount: &Mount| has(mount, &OF_PROJECTS) || has(mount, &OF_OWNERS);
    if !mounts.mounts().iter().any(has_quotas) {
        return Ok(Measurement::exact(Vec::new()));
    }
    let mut gaps = Vec::new();
    let mut resources = Vec::new();
    let mut devices = BTreeSet::new();
    for mount in mounts.writable().filter(|mount| is_local(&mount.fstype)) {
        if !devices.insert(&mount.device) {
            continue;
        }
        if has(mount, &OF_OWNERS) {
            gaps.push(format!(
                "{}: quotas of users and groups are not read; `repquota -as` shows them",
                mount.mountpoint
            ));
        }
        if has(mount, &OF_PROJECTS) {
            of_mount(host, &mounts, mount, &mut resources, &mut gaps);
        }
    }
    Ok(Measurement::estimated(resources)
        .partial(!gaps.is_empty())
        .with_gaps(gaps))
}

fn has(mount: &Mount, names: &[&str]) -> bool {
    let mut options = mount.super_options.split(',');
    options.any(|option| {
        let name = option.split('=').next().unwrap_or_default();
        names.contains(&name)
    })
}

fn of_mount(
    host: &dyn Host,
    mounts: &Table,
    mount: &Mount,
    resources: &mut Vec<Resource>,
    gaps: &mut Vec<String>,
) {
    let whole = match host.statfs(root(&mount.mountpoint)) {
        Ok(whole) => whole,
        Err(error) => {
            gaps.push(format!("{}: {error}", mount.mountpoint));
            return;
        }
    };
    // Something else may be mounted there, which may hang.
    let on_it = |path: &String| {
        let place = mounts.resolve(host, Path::new(path));
        place.is_some_and(|place| place.device == mount.device)
    };
    let mut directories = below(host, &mount.mountpoint, gaps);
    for parent in PARENTS {
        directories.extend(matching(host, parent, gaps));
    }
    directories.retain(on_it);
    directories.sort();
    directories.dedup();
    if directories.len() > MAX_DIRECTORIES {
        gaps.push(format!(
            "{}: quotas of {} directories were not read, only of the first {MAX_DIRECTORIES}",
            mount.mountpoint,
            directories.len() - MAX_DIRECTORIES
        ));
    }
    for directory in directories.into_iter().take(MAX_DIRECTORIES) {
        match host.statfs(root(&directory)) {
            Ok(usage) => resources.extend(quota(&directory, &usage, &whole)),
            Err(ReadError::Gone) => {}
            Err(error) => gaps.push(format!("{directory}: {error}")),
        }
    }
}

/// Both budgets of a directory whose size is not that of the whole file system.
fn quota(directory: &str, usage: &FilesystemUsage, whole: &FilesystemUsage) -> Vec<Resource> {
    let of = |used: u64, limit: u64, unit| {
        let subject = Subject::Mount(directory.to_owned());
        Resource::exact(Cause::DiskQuota, subject, used, limit, unit).estimated()
    };
    let mut both = Vec::new();
    if usage.blocks < whole.blocks {
        let bytes = |blocks: u64| blocks.saturating_mul(usage.block_size);
        let used = bytes(usage.blocks.saturating_sub(usage.blocks_free));
        both.push(of(used, bytes(usage.blocks), "bytes"));
    }
    if usage.inodes < whole.inodes {
        let used = usage.inodes.saturating_sub(usage.inodes_free);
        both.push(of(used, usage.inodes, "inodes"));
    }
    both
}

/// Directories that a pattern with whole parts of `*` stands for, and all that lie in them.
fn matching(host: &dyn Host, pattern: &str, gaps: &mut Vec<String>) -> Vec<String> {
    let mut found = vec![String::new()];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        found = match part {
            "*" => found
                .iter()
                .flat_map(|path| below(host, path, gaps))
                .collect(),
            _ => found
                .into_iter()
                .map(|path| format!("{path}/{part}"))
                .collect(),
        };
        found.truncate(MAX_DIRECTORIES + 1);
    }
    found
        .iter()
        .flat_map(|path| below(host, path, gaps))
        .collect()
}

/// Directories in one; none where it is not there.
fn below(host: &dyn Host, path: &str, gaps: &mut Vec<String>) -> Vec<String> {
    match read::names(host, root(path), MAX_DIRECTORIES + 1) {
        Ok((names, _)) => names
            .into_iter()
            .map(|name| format!("{}/{name}", path.trim_end_matches('/')))
            .collect(),
        Err(ReadError::Gone) => Vec::new(),
        Err(error) => {
            gaps.push(format!("{path}: {error}"));
            Vec::new()
        }
    }
}
