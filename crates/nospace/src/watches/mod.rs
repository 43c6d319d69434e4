//! `nospace watches`: who holds what is asked for, what it watches, and what that is called.
//!
//! ```text
//! holders ─ select ─ list (eBPF, else fdinfo) ─ handles, neighbours (where a name is missing) ─ names (mountinfo) → WatchesReport
//! ```

mod handles;
mod list;
mod names;
mod neighbours;
mod select;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::{Context as _, bail};
use nospace_core::model::{Descriptor, Instance, Provenance};
use nospace_core::report::{ProcessUse, SCHEMA_VERSION};
use nospace_core::watches::{
    Device, DeviceUse, DirectoryUse, HolderRef, NamedWatch, Tree, WatchesReport, WatchingInstance,
};

use crate::collect::holders;
use crate::collect::run::Runs;
use crate::host::Host;
use list::Listed;
use names::Names;

/// The trees that are named as the dearest hold this share of the watches, in percent.
const SHARE: u64 = 90;
/// And they are no more than these.
const TREES: usize = 3;

/// Names the watches of `wanted`: pids, pods and containers; of everybody when it is empty.
///
/// # Errors
///
/// When inotify cannot be looked at, nothing is what `wanted` asks for, or the watches cannot be listed at all.
pub fn look(host: &dyn Host, wanted: &[String]) -> anyhow::Result<WatchesReport> {
    let snapshot = holders(host);
    let Some(inotify) = &snapshot.inotify else {
        let run = snapshot.collectors.iter().find_map(|run| run.error.clone());
        bail!(
            "{}",
            run.unwrap_or_else(|| "inotify cannot be read".to_owned())
        );
    };
    let mut report = nospace_core::conclude(&snapshot);
    let everybody: HashMap<u32, ProcessUse> = report
        .processes
        .iter()
        .map(|process| (process.pid, process.clone()))
        .collect();
    report.processes = select::processes(&report, wanted)?;
    let pids: HashSet<u32> = report.processes.iter().map(|process| process.pid).collect();
    let instances: Vec<(&Instance, Descriptor)> = inotify
        .instances
        .iter()
        .filter_map(|one| {
            let holder = one
                .holders
                .iter()
                .find(|holder| pids.contains(&holder.pid))?;
            Some((one, *holder))
        })
        .collect();
    let asked: Vec<Descriptor> = instances.iter().map(|(_, holder)| *holder).collect();

    let mut runs = Runs::default();
    let mut names = Names::new(host);
    let watches = runs.run("watches", "", || list::collect(host, &asked, &mut names));
    let mut run = runs
        .into_vec()
        .pop()
        .context("the list of watches did not run")?;
    let Some(Listed { watches, source }) = watches else {
        bail!("cannot list watches: {}", run.error.unwrap_or_default());
    };
    source.clone_into(&mut run.source);
    let mut collectors = report.collectors;
    collectors.push(run);
    let per_instance = counts(&watches, instances.len());
    Ok(WatchesReport {
        schema_version: SCHEMA_VERSION,
        taken_at: report.taken_at,
        collectors,
        heaviest: heaviest(&watches),
        holders: report.processes,
        devices: devices(&watches, &mut names, &asked),
        instances: instances
            .iter()
            .zip(per_instance)
            .map(|((instance, _), watches)| watching(instance, watches, &everybody))
            .collect(),
        watches,
    })
}

/// How far the list can be trusted.
#[must_use]
pub fn provenance(report: &WatchesReport) -> Provenance {
    let runs = report.collectors.iter();
    let matter = runs.filter(|run| run.name == "watches" || run.name == "inotify");
    matter.fold(Provenance::Exact, |worst, run| worst.and(run.provenance))
}

fn counts(watches: &[NamedWatch], instances: usize) -> Vec<u64> {
    let mut counts = vec![0; instances];
    for watch in watches {
        if let Some(count) = counts.get_mut(watch.instance as usize) {
            *count += 1;
        }
    }
    counts
}

fn watching(
    instance: &Instance,
    watches: u64,
    everybody: &HashMap<u32, ProcessUse>,
) -> WatchingInstance {
    let holder = |one: &Descriptor| {
        let process = everybody.get(&one.pid);
        HolderRef {
            pid: one.pid,
            fd: one.fd,
            comm: process.map(|p| p.comm.clone()).unwrap_or_default(),
            owner: process.map(|p| p.owner.clone()).unwrap_or_default(),
        }
    };
    WatchingInstance {
        holders: instance.holders.iter().map(holder).collect(),
        watches,
    }
}

fn heaviest(watches: &[NamedWatch]) -> Vec<DirectoryUse> {
    let places: Vec<Cow<'_, str>> = watches.iter().map(NamedWatch::place).collect();
    let tree = Tree::new(places.iter().map(|place| &**place));
    let heaviest = tree.heaviest(SHARE, TREES).into_iter();
    heaviest
        .filter(|(path, _)| !path.is_empty())
        .map(|(path, held)| DirectoryUse {
            path: path.to_owned(),
            container_path: watches
                .iter()
                .find_map(|watch| watch.container_path_of(path))
                .map(str::to_owned),
            watches: held,
        })
        .collect()
}

fn devices(watches: &[NamedWatch], names: &mut Names<'_>, asked: &[Descriptor]) -> Vec<DeviceUse> {
    let mut all: BTreeMap<Device, (u64, u32)> = BTreeMap::new();
    for run in watches.chunk_by(|one, next| one.device == next.device) {
        let entry = all.entry(run[0].device).or_insert((0, run[0].instance));
        entry.0 += run.len() as u64;
    }
    let mut devices: Vec<DeviceUse> = all
        .into_iter()
        .map(|(device, (watches, instance))| {
            let holder = asked.get(instance as usize).map_or(0, |holder| holder.pid);
            let (file_system, mount_point) = names.device(device, holder);
            DeviceUse {
                device: device.to_string(),
                file_system,
                mount_point,
                watches,
            }
        })
        .collect();
    devices.sort_by_key(|device| std::cmp::Reverse(device.watches));
    devices
}
