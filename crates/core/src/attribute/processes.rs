use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::user_ref;
use crate::model::{Instance, Snapshot, UserKey};
use crate::report::{Owner, ProcessUse};

/// Processes that hold instances, those with most watches first; each instance once a process.
pub fn processes(snapshot: &Snapshot, owners: &BTreeMap<u32, Owner>) -> Vec<ProcessUse> {
    let Some(inotify) = &snapshot.inotify else {
        return Vec::new();
    };
    let mut held = BTreeMap::<u32, Vec<(&Instance, bool)>>::new();
    for instance in &inotify.instances {
        let pids: BTreeSet<u32> = instance.holders.iter().map(|d| d.pid).collect();
        for pid in &pids {
            held.entry(*pid)
                .or_default()
                .push((instance, pids.len() > 1));
        }
    }
    let comms: BTreeMap<u32, &str> = snapshot
        .processes
        .iter()
        .map(|p| (p.pid, p.comm.as_str()))
        .collect();
    let mut processes: Vec<ProcessUse> = held
        .into_iter()
        .map(|(pid, held)| ProcessUse {
            comm: comms.get(&pid).copied().unwrap_or_default().to_owned(),
            owner: owners.get(&pid).cloned().unwrap_or_default(),
            ..sum(pid, &held)
        })
        .collect();
    processes.sort_by_key(|p| (Reverse(p.watches), Reverse(p.instances), p.pid));
    processes
}

fn sum(pid: u32, held: &[(&Instance, bool)]) -> ProcessUse {
    let count = |of: &dyn Fn(&Instance, bool) -> bool| {
        held.iter().filter(|(i, shared)| of(i, *shared)).count() as u64
    };
    let watches = |of: &dyn Fn(bool) -> bool| {
        held.iter()
            .filter(|(_, shared)| of(*shared))
            .map(|(i, _)| u64::from(i.watches))
            .sum()
    };
    ProcessUse {
        pid,
        comm: String::new(),
        instances: held.len() as u64,
        watches: watches(&|_| true),
        shared_instances: count(&|_, shared| shared),
        shared_watches: watches(&|shared| shared),
        empty_instances: count(&|i, _| i.watches == 0),
        charged: user_ref(most_charged(held)),
        owner: Owner::Host,
        cmdline: None,
    }
}

fn most_charged(held: &[(&Instance, bool)]) -> UserKey {
    let mut count = BTreeMap::<UserKey, u64>::new();
    for (instance, _) in held {
        *count.entry(instance.charged).or_default() += 1;
    }
    count
        .into_iter()
        .max_by_key(|(key, n)| (*n, Reverse(*key)))
        .map_or(UserKey::initial(0), |(key, _)| key)
}
