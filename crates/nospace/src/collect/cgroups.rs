//! Control groups: which version, how many directories, how many the kernel counts.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use anyhow::ensure;
use nospace_core::model::{CgroupVersion, Cgroups, DescendantLimit, Hierarchy};
use nospace_core::parse::cgroupfs::{self, Subsystem};
use nospace_core::parse::mountinfo::Mount;

use super::cgroup_walk::{Tree, Trees, walk};
use super::mounts::namespace_at;
use super::run::{CollectResult, Measurement};
use super::{mount_table, read};
use crate::host::{Host, ReadError, ReadResult, proc, sys};

/// Limits of descendants are set near the top, if at all; a container may set one for itself.
const LIMIT_DEPTH: usize = 6;
/// Inode number of the initial cgroup namespace (`PROC_CGROUP_INIT_INO`, include/linux/proc_ns.h).
const INITIAL_CGROUP_NAMESPACE: u64 = 4_026_531_835;
/// More cgroups than this are not asked for one.
const MAX_ASKED: usize = 4000;

/// Walks every mounted hierarchy, and leaves those that limit descendants or pids in `trees`.
pub fn collect(host: &dyn Host, trees: &mut Trees) -> CollectResult<Cgroups> {
    let counts = read::optional(host, proc("cgroups"), cgroupfs::subsystems)?.unwrap_or_default();
    let mut cgroups = Cgroups::default();
    let mut gaps = Vec::new();
    let mut partial = false;
    let mut seen = Vec::new();
    let mut passed_over = false;
    let mut is_branch = false;
    let mounts = mount_table::read(host)?;
    for mount in mounts.mounts() {
        let known = seen.contains(&&mount.device);
        if !matches!(mount.fstype.as_str(), "cgroup" | "cgroup2") || known {
            continue;
        }
        // A container's bind mount of one branch is no hierarchy of the host.
        let top = Path::new(&mount.mountpoint).strip_prefix("/sys");
        let Some(top) = top.ok().filter(|_| is_top(&mount.root)) else {
            passed_over = true;
            continue;
        };
        let (hierarchy, tree) = match hierarchy(host, mount, top, &counts) {
            Ok(found) => found,
            Err(ReadError::Gone) => {
                passed_over = true;
                continue;
            }
            Err(error) => {
                gaps.push(format!("{}: {error}", mount.mountpoint));
                partial = true;
                continue;
            }
        };
        partial |= hierarchy.truncated;
        is_branch |= !is_whole(host, mount, top);
        if hierarchy.unified {
            let mut limits = DescendantLimits::default();
            limits.read(host, top, &tree);
            partial |= limits.is_partial;
            cgroups.descendant_limits = limits.limits;
        }
        seen.push(&mount.device);
        trees.insert(hierarchy.mountpoint.clone(), tree);
        cgroups.hierarchies.push(hierarchy);
    }
    cgroups.version = version(&cgroups.hierarchies);
    if cgroups.hierarchies.is_empty() {
        gaps.push("no cgroup file system is mounted below /sys/fs/cgroup".to_owned());
        partial |= passed_over;
    } else if is_branch && !nospace_bpf::is_whole_node() {
        gaps.push(
            "the cgroups above those of this container are not visible; run on the host".to_owned(),
        );
        partial = true;
    }
    Ok(Measurement::exact(cgroups).partial(partial).with_gaps(gaps))
}

/// The hierarchies as a process in a container sees them: it may have but a branch of each.
pub fn seen_by(host: &dyn Host, pid: u32, cgroups: &Cgroups) -> anyhow::Result<Vec<Hierarchy>> {
    let node = mount_table::read(host)?;
    let own = mount_table::of(host, &pid.to_string())?;
    let mut seen = Vec::new();
    for hierarchy in &cgroups.hierarchies {
        let is_there = |mount: &&Mount| mount.mountpoint == hierarchy.mountpoint;
        let device = node
            .mounts()
            .iter()
            .rev()
            .find(is_there)
            .map(|mount| &mount.device);
        let below = |mount: &&Mount| {
            Path::new(&mount.mountpoint).starts_with("/sys/fs/cgroup")
                && Some(&mount.device) == device
        };
        let Some(mount) = own.iter().find(below) else {
            continue;
        };
        let branch = Path::new(&mount.root).strip_prefix("/")?;
        ensure!(
            branch
                .components()
                .all(|part| matches!(part, Component::Normal(_))),
            "{} is outside of nospace's cgroup namespace",
            mount.root
        );
        let top = Path::new(&hierarchy.mountpoint).strip_prefix("/sys")?;
        let walked = walk(host, &top.join(branch), |_| {})?;
        seen.push(Hierarchy {
            directories: walked.directories,
            mount_unit_directories: walked.mount_units,
            truncated: walked.truncated,
            ..hierarchy.clone()
        });
    }
    ensure!(!seen.is_empty(), "it has none of the node's hierarchies");
    Ok(seen)
}

/// Whether the root of a mount is that of its hierarchy or of a cgroup namespace. Of what is above nospace's own cgroup namespace the kernel prints
/// `/..` for each level (`cgroup_show_path`, kernel/cgroup/cgroup.c).
fn is_top(root: &str) -> bool {
    let mut parts = Path::new(root).components();
    parts.next() == Some(Component::RootDir) && parts.all(|part| part == Component::ParentDir)
}

/// Whether all of the hierarchy is mounted, and not just the branch of a cgroup namespace.
fn is_whole(host: &dyn Host, mount: &Mount, top: &Path) -> bool {
    let has = |file: &str| read::bytes(host, sys(&top.join(file)));
    let own = namespace_at(host, "self/ns/cgroup");
    let is_initial = !own.is_ok_and(|own| own != INITIAL_CGROUP_NAMESPACE);
    match (mount.root.as_str(), mount.fstype.as_str()) {
        ("/", _) if is_initial => true,
        // Older recordings lack the file that would tell.
        ("/", "cgroup2") => false,
        // In every cgroup but the root.
        (_, "cgroup2") => has("cgroup.events") == Err(ReadError::Gone),
        // In the root alone.
        _ => has("cgroup.sane_behavior").is_ok(),
    }
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
) -> ReadResult<(Hierarchy, Tree)> {
    let unified = mount.fstype == "cgroup2";
    let controllers = if unified {
        enabled(host, top)?
    } else {
        v1_controllers(mount)
    };
    let is_asked = unified || controllers.iter().any(|name| name == "pids");
    let mut tree = Tree::default();
    let walked = walk(host, top, |path| {
        if is_asked {
            tree.keep(path);
        }
    })?;
    tree.truncated = walked.truncated;
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
    Ok((hierarchy, tree))
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

fn enabled(host: &dyn Host, top: &Path) -> ReadResult<Vec<String>> {
    let bytes = read::bytes(host, sys(&top.join("cgroup.controllers")))?;
    let names = String::from_utf8_lossy(&bytes);
    Ok(names.split_whitespace().map(str::to_owned).collect())
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
#[derive(Default)]
struct DescendantLimits {
    limits: Vec<DescendantLimit>,
    /// Some were not read, or could not be.
    is_partial: bool,
}

impl DescendantLimits {
    fn read(&mut self, host: &dyn Host, top: &Path, tree: &Tree) {
        let depth = |path: &Path| path.components().count();
        let mut upper: Vec<&PathBuf> = tree.paths.iter().collect();
        upper.retain(|path| depth(path) < LIMIT_DEPTH);
        upper.sort_by_key(|path| depth(path));
        self.is_partial = tree.truncated || tree.beyond > 0 || upper.len() > MAX_ASKED;
        for path in upper.into_iter().take(MAX_ASKED) {
            match descendant_limit(host, top, path) {
                Ok(limit) => self.limits.extend(limit),
                Err(_) => self.is_partial = true,
            }
        }
    }
}

/// `None` where no limit is set, or the cgroup has gone.
fn descendant_limit(
    host: &dyn Host,
    top: &Path,
    path: &Path,
) -> anyhow::Result<Option<DescendantLimit>> {
    const FILE: &str = "cgroup.max.descendants";
    let place = top.join(path);
    let parse = |bytes: &[u8]| cgroupfs::limit(FILE, bytes);
    let Some(limit) = read::optional(host, sys(&place.join(FILE)), parse)?.flatten() else {
        return Ok(None);
    };
    let parse = |bytes: &[u8]| cgroupfs::flat_keyed("cgroup.stat", bytes);
    let stat = read::optional(host, sys(&place.join("cgroup.stat")), parse)?;
    let used = stat.and_then(|stat| stat.get("nr_descendants").copied());
    Ok(used.map(|used| DescendantLimit {
        path: format!("/{}", path.display()),
        used,
        limit,
    }))
}
