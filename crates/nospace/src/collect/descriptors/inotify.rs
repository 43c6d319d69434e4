//! Instances out of descriptors: each once, charged as well as /proc can tell.

use std::collections::{BTreeMap, HashMap};

use nospace_core::amount::count;
use nospace_core::model::{INITIAL_USER_NAMESPACE, Inotify, Instance, Process, UserKey};
use nospace_core::parse::mountinfo::Mount;

use super::scan::{DescriptorCount, Identity, Scan};
use crate::collect::mount_table;
use crate::collect::run::{CollectResult, Measurement, how_to_see};
use crate::host::{Host, ReadError};

/// Makes instances of what the pass has seen.
pub fn collect(host: &dyn Host, seen: &mut Scan, identity: &Identity) -> CollectResult<Inotify> {
    let processes: HashMap<u32, &Process> = seen
        .processes
        .iter()
        .map(|process| (process.pid, process))
        .collect();
    let instances = by_file(&seen.inotify, identity)
        .into_iter()
        .map(|holders| instance(&holders, &processes));
    let inotify = Inotify {
        instances: instances.collect(),
        counters: None,
        user_namespaces: seen
            .user_namespaces
            .iter()
            .filter(|namespace| namespace.id != INITIAL_USER_NAMESPACE)
            .copied()
            .collect(),
    };
    // What /proc shows is never more than an estimate: see `unattributed` in the contract.
    let mut gaps = gaps(host, seen, identity);
    let hidden = host.look().uid != 0
        && mount_table::read(host).map_or_else(
            |error| {
                gaps.push(format!("processes may be hidden: {error:#}"));
                false
            },
            |mounts| hides_processes(mounts.mounts()),
        );
    if hidden {
        gaps.push("procfs is mounted with hidepid: other users' processes are not visible".into());
    }
    Ok(Measurement::estimated(inotify)
        .blind(hidden || seen.is_blind())
        .partial(hidden || seen.is_partial())
        .with_gaps(gaps))
}

/// Descriptors that lead to one open file, together.
fn by_file(all: &[DescriptorCount], identity: &Identity) -> Vec<Vec<DescriptorCount>> {
    let Ok(numbers) = identity else {
        return all.iter().map(|counted| vec![*counted]).collect();
    };
    let mut files: BTreeMap<u32, Vec<DescriptorCount>> = BTreeMap::new();
    for counted in all {
        if let Some(number) = numbers.get(&counted.descriptor).copied().flatten() {
            files.entry(number).or_default().push(*counted);
        }
    }
    let mut files: Vec<_> = files.into_values().collect();
    files.sort_unstable_by_key(|holders| holders[0].descriptor);
    files
}

fn instance(holders: &[DescriptorCount], processes: &HashMap<u32, &Process>) -> Instance {
    // The oldest holder made it, more likely than not: a fork is younger than its parent.
    let oldest = holders
        .iter()
        .min_by_key(|one| {
            let start = processes
                .get(&one.descriptor.pid)
                .map_or(u64::MAX, |p| p.start_ticks);
            (start, one.descriptor)
        })
        .unwrap_or(&holders[0]);
    let charged = processes
        .get(&oldest.descriptor.pid)
        .map_or(UserKey::initial(oldest.uid), |process| process.user);
    Instance {
        // Read at different moments; the last word is the largest.
        watches: holders.iter().map(|one| one.count).max().unwrap_or(0),
        charged,
        holders: holders.iter().map(|one| one.descriptor).collect(),
    }
}

fn gaps(host: &dyn Host, seen: &Scan, identity: &Identity) -> Vec<String> {
    let mut gaps = Vec::new();
    if let Err(error) = identity
        && !seen.inotify.is_empty()
    {
        let so = "so an instance that several descriptors share counts once for each of them";
        gaps.push(match error {
            ReadError::Denied => format!("kcmp(2) is not permitted, {so}; {}", how_to_see(host)),
            error => format!("kcmp(2) cannot be used ({error}), {so}"),
        });
    }
    if seen.denied > 0 {
        gaps.push(format!(
            "{} of {} could not be inspected; {}",
            seen.denied,
            count(seen.looked as u64, "process", "processes"),
            how_to_see(host)
        ));
    }
    gaps.extend(seen.failed.iter().cloned());
    gaps
}

fn hides_processes(mounts: &[Mount]) -> bool {
    let proc = mounts.iter().filter(|mount| mount.fstype == "proc");
    proc.flat_map(|mount| mount.super_options.split(','))
        .filter_map(|option| option.strip_prefix("hidepid="))
        .any(|value| !matches!(value, "0" | "off"))
}
