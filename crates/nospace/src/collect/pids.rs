//! Processes and threads: of the system, and of every cgroup that has a limit.

use std::path::{Path, PathBuf};

use nospace_core::model::{Cgroups, Hierarchy, Pids, PidsCgroup};
use nospace_core::parse::{self, cgroupfs, system};

use super::cgroup_walk::walk;
use super::read;
use super::run::{Collected, Collection};
use crate::host::{Host, proc, sys};

/// Of a node with more cgroups (a leak) only the first are asked for their limit.
const MAX_ASKED: usize = 20_000;

/// Reads /proc/loadavg, the two sysctls, and `pids.max` below the hierarchy that has it.
pub fn collect(host: &dyn Host, cgroups: Option<&Cgroups>) -> Collection<Pids> {
    let mut pids = Pids {
        threads: read::parsed(host, proc("loadavg"), system::threads)?,
        pid_max: read::sysctl(host, "kernel.pid_max")?,
        threads_max: read::sysctl(host, "kernel.threads-max")?,
        cgroups: Vec::new(),
    };
    let mut gaps = Vec::new();
    if let Some(hierarchy) = cgroups.and_then(with_pids) {
        pids.cgroups = limited(host, hierarchy, &mut gaps);
    }
    Ok(Collected::exact(pids).with_gaps(gaps))
}

fn with_pids(cgroups: &Cgroups) -> Option<&Hierarchy> {
    cgroups
        .hierarchies
        .iter()
        .find(|one| one.controllers.iter().any(|name| name == "pids"))
}

fn limited(host: &dyn Host, hierarchy: &Hierarchy, gaps: &mut Vec<String>) -> Vec<PidsCgroup> {
    let Ok(top) = Path::new(&hierarchy.mountpoint).strip_prefix("/sys") else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = Vec::new();
    let mut passed_over = 0_usize;
    let walked = walk(host, top, |path| {
        if paths.len() < MAX_ASKED {
            paths.push(path.to_owned());
        } else {
            passed_over += 1;
        }
    });
    if walked.is_err() {
        gaps.push(format!("{}: could not be read", hierarchy.mountpoint));
    }
    if passed_over > 0 {
        gaps.push(format!(
            "{passed_over} cgroups beyond the first {MAX_ASKED} were not asked for pids.max"
        ));
    }
    paths
        .iter()
        .filter_map(|path| cgroup(host, top, path))
        .collect()
}

/// `None` for a cgroup without a limit, or that has gone.
fn cgroup(host: &dyn Host, top: &Path, path: &Path) -> Option<PidsCgroup> {
    let place = top.join(path);
    let limit = |bytes: &[u8]| cgroupfs::limit("pids.max", bytes);
    let max = read::parsed(host, sys(&place.join("pids.max")), limit).ok()??;
    let current = |bytes: &[u8]| parse::number("pids.current", bytes);
    let events = |bytes: &[u8]| cgroupfs::flat_keyed("pids.events", bytes);
    let events = read::parsed(host, sys(&place.join("pids.events")), events).unwrap_or_default();
    Some(PidsCgroup {
        path: format!("/{}", path.display()),
        current: read::parsed(host, sys(&place.join("pids.current")), current).ok()?,
        max,
        refused: events.get("max").copied().unwrap_or(0),
    })
}
