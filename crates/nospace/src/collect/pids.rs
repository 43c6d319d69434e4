//! Processes and threads: of the system, and of every cgroup that has a limit.

use std::path::Path;

use nospace_core::amount::count;
use nospace_core::model::{Cgroups, Hierarchy, Pids, PidsCgroup};
use nospace_core::parse::{self, cgroupfs, system};

use super::cgroup_walk::{MAX_KEPT, Tree, Trees};
use super::read;
use super::run::{CollectResult, Measurement};
use crate::host::{Host, proc, sys};

/// Reads /proc/loadavg, the two sysctls, and `pids.max` below the hierarchy that has it.
pub fn collect(host: &dyn Host, cgroups: Option<&Cgroups>, trees: &Trees) -> CollectResult<Pids> {
    let mut pids = Pids {
        threads: read::parsed(host, proc("loadavg"), system::threads)?,
        pid_max: read::sysctl(host, "kernel.pid_max")?,
        threads_max: read::sysctl(host, "kernel.threads-max")?,
        cgroups: Vec::new(),
    };
    let mut gaps = Vec::new();
    match cgroups {
        Some(cgroups) => {
            if let Some(hierarchy) = with_pids(cgroups)
                && let Some(tree) = trees.get(&hierarchy.mountpoint)
            {
                pids.cgroups = limited(host, hierarchy, tree, &mut gaps);
            }
        }
        None => gaps.push("pids.max was not read: cgroups could not be".to_owned()),
    }
    Ok(Measurement::exact(pids)
        .partial(!gaps.is_empty())
        .with_gaps(gaps))
}

fn with_pids(cgroups: &Cgroups) -> Option<&Hierarchy> {
    cgroups
        .hierarchies
        .iter()
        .find(|one| one.controllers.iter().any(|name| name == "pids"))
}

fn limited(
    host: &dyn Host,
    hierarchy: &Hierarchy,
    tree: &Tree,
    gaps: &mut Vec<String>,
) -> Vec<PidsCgroup> {
    let Ok(top) = Path::new(&hierarchy.mountpoint).strip_prefix("/sys") else {
        return Vec::new();
    };
    if tree.truncated {
        gaps.push(format!(
            "pids.max was not read everywhere below {}: some directories could not be read",
            hierarchy.mountpoint
        ));
    }
    if tree.beyond > 0 {
        gaps.push(format!(
            "pids.max was not read in {}, only in the first {MAX_KEPT}",
            count(tree.beyond, "cgroup", "cgroups")
        ));
    }
    let mut limited = Vec::new();
    let mut failed = None;
    for path in &tree.paths {
        match cgroup(host, top, path) {
            Ok(cgroup) => limited.extend(cgroup),
            Err(error) => failed = Some(error),
        }
    }
    gaps.extend(failed.map(|error| format!("{error:#}")));
    limited
}

/// `None` for a cgroup without a limit, or that has gone.
fn cgroup(host: &dyn Host, top: &Path, path: &Path) -> anyhow::Result<Option<PidsCgroup>> {
    let place = top.join(path);
    let limit = |bytes: &[u8]| cgroupfs::limit("pids.max", bytes);
    let max = read::optional(host, sys(&place.join("pids.max")), limit)?;
    let Some(max) = max.flatten() else {
        return Ok(None);
    };
    let current = |bytes: &[u8]| parse::number("pids.current", bytes);
    let events = |bytes: &[u8]| cgroupfs::flat_keyed("pids.events", bytes);
    let events = read::optional(host, sys(&place.join("pids.events")), events)?;
    let used = read::optional(host, sys(&place.join("pids.current")), current)?;
    Ok(used.map(|current| PidsCgroup {
        path: format!("/{}", path.display()),
        current,
        max,
        // Kernels before 4.8 have no such file.
        refused: events
            .and_then(|events| events.get("max").copied())
            .unwrap_or(0),
    }))
}
