//! Control groups: which version, how many directories, how many the kernel counts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use nospace_core::model::{CgroupVersion, Cgroups, DescendantLimit, Hierarchy};
use nospace_core::parse::cgroupfs::{self, Subsystem};
use nospace_core::parse::mountinfo::Mount;

use super::cgroup_walk::walk;
use super::run::{Collected, Collection};
use super::{mount_table, read};
use crate::host::{Absent, Host, proc, sys};

/// Limits of descendants are set near the top, if at all; a container may set one for itself.
const LIMIT_DEPTH: usize = 6;
/// More cgroups than this are not asked for one.
const MAX_ASKED: usize = 4000;

/// Walks every mounted hierarchy.
pub fn collect(host: &dyn Host) -> Collection<Cgroups> {
    let counts = read::optional(host, proc("cgroups"), cgroupfs::subsystems)?.unwrap_or_default();
    let mut cgroups = Cgroups::default();
    let mut gaps = Vec::new();
    let mut seen = Vec::new();
    for mount in mount_table::read(host)? {
        // A container's bind mount of one branch is no hierarchy of the host.
        let known = seen.contains(&mount.device);
        if !matches!(mount.fstype.as_str(), "cgroup" | "cgroup2") || known || mount.root != "/" {
            continue;
        }
        let Ok(top) = Path::new(&mount.mountpoint).strip_prefix("/sys") else {
            continue;
        };
        let Some(hierarchy) = hierarchy(host, &mount, top, &counts, &mut gaps) else {
            continue;
        };
        if hierarchy.unified {
            cgroups.descendant_limits = descendant_limits(host, top);
        }
        seen.push(mount.device);
        cgroups.hierarchies.push(hierarchy);
    }
    cgroups.version = version(&cgroups.hierarchies);
    if cgroups.hierarchies.is_empty() {
        gaps.push("no cgroup file system is mounted below /sys/fs/cgroup".to_owned());
    }
    Ok(Collected::exact(cgroups).with_gaps(gaps))
}

fn version(hierarchies: &[Hierarchy]) -> CgroupVersion {
    let unified = hierarchies.iter().any(|one| one.unified);
    let legacy = hierarchies.iter().any(|one| !one.unified);
    match (legacy, unified) {
        (true, true) => CgroupVersion::Hybrid,
        (true, false) => CgroupVersion::V1,
        (false, true) => CgroupVersion::V2,
        (false, false) => CgroupVersion::Unknown,
    }
}

fn hierarchy(
    host: &dyn Host,
    mount: &Mount,
    top: &Path,
    counts: &BTreeMap<String, Subsystem>,
    gaps: &mut Vec<String>,
) -> Option<Hierarchy> {
    let walked = match walk(host, top, |_| {}) {
        Ok(walked) => walked,
        Err(Absent::Gone) => return None,
        Err(absent) => {
            gaps.push(format!("{}: {absent}", mount.mountpoint));
            return None;
        }
    };
    let unified = mount.fstype == "cgroup2";
    let controllers = if unified {
        enabled(host, top)
    } else {
        v1_controllers(mount)
    };
    let mut hierarchy = Hierarchy {
        mountpoint: mount.mountpoint.clone(),
        unified,
        directories: walked.directories,
        mount_unit_directories: walked.mount_units,
        truncated: walked.truncated,
        kernel_count: None,
        dying: None,
        controllers,
    };
    if unified {
        count_unified(host, top, &mut hierarchy);
    } else {
        let rows = hierarchy
            .controllers
            .iter()
            .filter_map(|name| counts.get(name));
        hierarchy.kernel_count = rows.map(|row| row.cgroups).max();
    }
    Some(hierarchy)
}

/// Names of controllers among a v1 mount's options, `name=systemd` included.
fn v1_controllers(mount: &Mount) -> Vec<String> {
    const OPTIONS: [&str; 8] = [
        "rw",
        "ro",
        "xattr",
        "noprefix",
        "clone_children",
        "cpuset_v2_mode",
        "all",
        "none",
    ];
    let options = mount.super_options.split(',');
    let named =
        options.filter(|word| !OPTIONS.contains(word) && !word.starts_with("release_agent"));
    named.map(str::to_owned).collect()
}

fn enabled(host: &dyn Host, top: &Path) -> Vec<String> {
    let bytes = read::bytes(host, sys(&top.join("cgroup.controllers"))).unwrap_or_default();
    String::from_utf8_lossy(&bytes)
        .split_whitespace()
        .map(str::to_owned)
        .collect()
}

/// `cgroup.stat` of the root; memory cgroups apart from 6.13 (`nr_subsys_memory`).
fn count_unified(host: &dyn Host, top: &Path, hierarchy: &mut Hierarchy) {
    let parse = |bytes: &[u8]| cgroupfs::flat_keyed("cgroup.stat", bytes);
    let Ok(stat) = read::parsed(host, sys(&top.join("cgroup.stat")), parse) else {
        return;
    };
    let of = |key: &str| stat.get(key).copied();
    hierarchy.dying = of("nr_dying_descendants");
    let total = |live, dying| Some(of(live)? + of(dying)?);
    hierarchy.kernel_count = total("nr_subsys_memory", "nr_dying_subsys_memory")
        .or_else(|| total("nr_descendants", "nr_dying_descendants"));
}

/// `cgroup.max.descendants` of the upper directories.
fn descendant_limits(host: &dyn Host, top: &Path) -> Vec<DescendantLimit> {
    let mut found = Vec::new();
    let mut level = vec![PathBuf::new()];
    let mut asked = 0;
    for _ in 0..LIMIT_DEPTH {
        let mut next = Vec::new();
        for path in &level {
            asked += 1;
            if asked > MAX_ASKED {
                return found;
            }
            found.extend(descendant_limit(host, top, path));
            let below = host
                .subdirectories(sys(&top.join(path)))
                .unwrap_or_default();
            next.extend(below.iter().map(|child| path.join(&child.name)));
        }
        level = next;
    }
    found
}

fn descendant_limit(host: &dyn Host, top: &Path, path: &Path) -> Option<DescendantLimit> {
    const FILE: &str = "cgroup.max.descendants";
    let place = top.join(path);
    let parse = |bytes: &[u8]| cgroupfs::limit(FILE, bytes);
    let limit = read::parsed(host, sys(&place.join(FILE)), parse).ok()??;
    let parse = |bytes: &[u8]| cgroupfs::flat_keyed("cgroup.stat", bytes);
    let stat = read::parsed(host, sys(&place.join("cgroup.stat")), parse).ok()?;
    let used = stat.get("nr_descendants").copied()?;
    Some(DescendantLimit {
        path: format!("/{}", path.display()),
        used,
        limit,
    })
}
