//! `nospace watches`: who holds what is asked for, what it watches, and what that is called.
//!
//! ```text
//! holders ─ select ─ list (eBPF, else fdinfo) ─ by_handle, by_directory (where a name is missing) ─ locate ─▶ WatchesReport
//!             └───── marks (fdinfo of fanotify groups) ─ by_handle ─ locate ──────────────────────────────────┘
//! ```
//!
//! The stages do not know each other: each takes [`InstanceWatch`]es, and this file orders them. [`MountTables`] is what they share.

mod by_directory;
mod by_handle;
mod fdinfo;
mod list;
mod locate;
mod marks;
mod mounts;
mod select;
mod summary;
mod watch;

use std::collections::{BTreeSet, HashMap};

use anyhow::{Context as _, bail};
use nospace_core::amount::count;
use nospace_core::attribute::owners;
use nospace_core::model::{Descriptor, Instance, Provenance, Snapshot};
use nospace_core::report::{Report, SCHEMA_VERSION};
use nospace_core::watches::{NamedWatch, WatchesReport};

use crate::collect::run::{CollectResult, Measurement, Runs};
use crate::collect::{holders, process};
use crate::host::Host;
use locate::Locator;
use mounts::MountTables;
use select::Candidate;
use watch::InstanceWatch;

/// Names the watches of `wanted`: pids, pods, containers and programs; of everybody when it is empty.
///
/// # Errors
///
/// When inotify cannot be inspected, nothing matches `wanted`, or the watches cannot be listed at all.
pub fn report(host: &dyn Host, wanted: &[String]) -> anyhow::Result<WatchesReport> {
    let snapshot = holders(host);
    let Some(inotify) = &snapshot.inotify else {
        let error = snapshot.collectors.iter().find_map(|run| run.error.clone());
        bail!(
            "cannot inspect inotify: {}",
            error.unwrap_or_else(|| "no collector could read it".to_owned())
        );
    };
    let mut runs = Runs::default();
    let groups = runs.run("marks", "procfs", || marks::groups(host, &snapshot));
    let groups = groups.unwrap_or_default();
    let mut report = nospace_core::conclude(&snapshot);
    let candidates = candidates(host, &snapshot, &report, &groups);
    let pids = select::pids(&report, &candidates, wanted)?;
    let everybody: HashMap<u32, Candidate> =
        candidates.into_iter().map(|one| (one.pid, one)).collect();
    report
        .processes
        .retain(|process| pids.contains(&process.pid));
    let (instances, descriptors): (Vec<&Instance>, Vec<Descriptor>) = inotify
        .instances
        .iter()
        .filter_map(|instance| {
            let mut holders = instance.holders.iter();
            let holder = holders.find(|holder| pids.contains(&holder.pid))?;
            Some((instance, *holder))
        })
        .unzip();

    let (groups, of_groups): (Vec<Vec<Descriptor>>, Vec<Descriptor>) = groups
        .into_iter()
        .filter_map(|group| {
            let mut holders = group.iter();
            let holder = *holders.find(|holder| pids.contains(&holder.pid))?;
            Some((group, holder))
        })
        .unzip();

    let mut mounts = MountTables::new(host);
    let listing = runs.run("watches", "", || collect(host, &descriptors, &mut mounts));
    let mut runs = runs.into_vec();
    let of_marks = runs.iter_mut().find(|run| run.name == "marks");
    let mut unread = Vec::new();
    let marks = marks::collect(host, &of_groups, &mut mounts, &mut unread);
    if let Some(run) = of_marks {
        run.partial |= !unread.is_empty();
        run.gaps.extend(unread);
    }
    let run = runs.iter_mut().find(|run| run.name == "watches");
    let run = run.context("the list of watches did not run")?;
    let Some(Listing { watches, source }) = listing else {
        bail!(
            "cannot list watches: {}",
            run.error.clone().unwrap_or_default()
        );
    };
    source.clone_into(&mut run.source);
    let mut collectors = report.collectors;
    collectors.extend(runs);
    Ok(WatchesReport {
        schema_version: SCHEMA_VERSION,
        taken_at: report.taken_at,
        collectors,
        heaviest: summary::heaviest(&watches),
        holders: report.processes,
        devices: summary::devices(&watches, &mut mounts, &descriptors),
        instances: summary::instances(&watches, &instances, &everybody),
        watches,
        groups: summary::groups(&marks, &groups, &everybody),
        marks,
    })
}

/// Every process that holds an instance or a group.
fn candidates(
    host: &dyn Host,
    snapshot: &Snapshot,
    report: &Report,
    groups: &[Vec<Descriptor>],
) -> Vec<Candidate> {
    let of_inotify = report.processes.iter().map(|process| Candidate {
        pid: process.pid,
        comm: process.comm.clone(),
        owner: process.owner.clone(),
    });
    let mut all: Vec<Candidate> = of_inotify.collect();
    let known: BTreeSet<u32> = all.iter().map(|one| one.pid).collect();
    let others: BTreeSet<u32> = groups.iter().flatten().map(|one| one.pid).collect();
    let described = others.difference(&known).filter_map(|&pid| {
        let uid = host.owner(pid).ok()?;
        process(host, pid, uid)
    });
    let mut others = Snapshot {
        processes: described.collect(),
        containers: snapshot.containers.clone(),
        ..Snapshot::default()
    };
    let mut owners = owners(&others);
    all.extend(others.processes.drain(..).map(|process| Candidate {
        owner: owners.remove(&process.pid).unwrap_or_default(),
        pid: process.pid,
        comm: process.comm,
    }));
    all
}

/// How far the list can be trusted.
#[must_use]
pub fn provenance(report: &WatchesReport) -> Provenance {
    let runs = report.collectors.iter();
    let matter = runs.filter(|run| run.name == "watches" || run.name == "inotify");
    matter.fold(Provenance::Exact, |worst, run| worst.and(run.provenance))
}

/// Every watch, in the order of the instances, and where the list is from.
struct Listing {
    watches: Vec<NamedWatch>,
    source: &'static str,
}

/// Lists and names the watches of the instances behind `descriptors`, stage after stage.
fn collect(
    host: &dyn Host,
    descriptors: &[Descriptor],
    mounts: &mut MountTables<'_>,
) -> CollectResult<Listing> {
    let mut gaps = Vec::new();
    let mut watches = Vec::new();
    let mut unnamed = Vec::new();
    let mut locator = Locator::new(descriptors);
    let from_kernel = list::from_kernel(host, descriptors, |watch| {
        if watch.is_unnamed() {
            unnamed.push(watch);
        } else {
            watches.push(locator.locate(watch, mounts));
        }
    });
    let (source, provenance) = match from_kernel {
        Ok(()) => ("ebpf", Provenance::Exact),
        Err(error) => {
            watches.clear();
            gaps.push(format!(
                "listed from /proc and named by file handle ({error}); watches on overlayfs, proc and sysfs have no name"
            ));
            unnamed = list::from_fdinfo(host, descriptors, &mut gaps)?;
            ("procfs", Provenance::Estimated)
        }
    };
    unnamed.sort_by_key(|watch| (watch.instance, watch.watch.wd));
    by_handle::name(host, descriptors, &mut unnamed, mounts);
    by_directory::name(host, descriptors, &mut unnamed, &watches, mounts);
    gaps.extend(why_unnamed(&unnamed));
    let unnamed = unnamed.into_iter();
    watches.extend(unnamed.map(|watch| locator.locate(watch, mounts)));
    watches.sort_by_key(|watch| (watch.instance, watch.wd));
    Ok(Measurement {
        blind: false,
        partial: false,
        out_of_sight: false,
        part: Listing { watches, source },
        provenance,
        gaps,
    })
}

/// Why watches have no name although their files have a handle.
fn why_unnamed(watches: &[InstanceWatch]) -> impl Iterator<Item = String> {
    let has_handle = |watch: &&InstanceWatch| watch.is_unnamed() && watch.watch.handle.is_some();
    let (denied, forgotten): (Vec<&InstanceWatch>, Vec<&InstanceWatch>) = watches
        .iter()
        .filter(has_handle)
        .partition(|watch| watch.denied);
    let reasons = [
        (
            denied.len() as u64,
            "could not be named by file handle, which needs CAP_DAC_READ_SEARCH: run as root",
        ),
        (
            forgotten.len() as u64,
            "without a name: the kernel no longer caches the file's name or the file was removed, and a file handle names \
             directories only; `find MOUNTPOINT -xdev -inum INODE` searches for it",
        ),
    ];
    let reasons = reasons.into_iter().filter(|(watches, _)| *watches > 0);
    reasons.map(|(watches, why)| format!("{} {why}", count(watches, "watch", "watches")))
}
