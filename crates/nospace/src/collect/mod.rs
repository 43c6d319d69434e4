//! One look at a host: every collector asks its questions, one file a collector.
//!
//! The descriptors of all processes take longest; they are read on all cores while one more
//! thread does the rest. A collector that fails leaves its part out and hides no other.

mod aio;
mod bpf_jit;
mod bridges;
mod btrfs;
mod cgroup_walk;
mod cgroups;
pub(crate) mod cmdlines;
mod conntrack;
mod containers;
mod descriptors;
mod environment;
mod files;
mod filesystems;
mod hugepages;
mod keys;
pub(crate) mod limits;
pub(crate) mod mount_table;
mod mounts;
mod namespaces;
mod neighbors;
mod networks;
mod node;
mod pids;
mod ports;
mod ptys;
mod quotas;
pub(crate) mod read;
pub(crate) mod run;
mod shims;
mod sysv;
pub(crate) mod users;
pub(crate) mod vantage;

use std::collections::BTreeSet;
use std::sync::mpsc::{self, SendError};

use nospace_core::cause::Cause;
use nospace_core::model::{
    Containers, Holding, INITIAL_USER_NAMESPACE, Process, Resource, Snapshot,
};

use crate::host::{Host, ReadError, Tasks, proc};
use cgroup_walk::Trees;
use networks::Networks;
use run::Runs;

/// Takes one look.
pub fn collect(host: &dyn Host) -> Snapshot {
    let mut snapshot = Snapshot {
        taken_at: host.look().taken_at,
        ..Snapshot::default()
    };
    std::thread::scope(|scope| {
        let (known, tasks) = mpsc::channel();
        let rest = std::thread::Builder::new().spawn_scoped(scope, move || {
            system(host, || tasks.recv().unwrap_or_default())
        });
        let mut kept = Tasks::default();
        let scanned = descriptors::scan(host, |tasks| {
            if let Err(SendError(tasks)) = known.send(tasks) {
                kept = tasks;
            }
        });
        // Without a second thread (no pid left) the rest is done by this one.
        let rest = rest
            .ok()
            .and_then(|rest| rest.join().ok())
            .unwrap_or_else(|| system(host, || kept));
        merge(host, &mut snapshot, scanned, rest);
    });
    snapshot
}

/// Who holds inotify, who fanotify if eBPF tells, the owners, and nothing else.
pub fn holders(host: &dyn Host) -> Snapshot {
    let scanned = descriptors::scan(host, drop);
    let mut runs = Runs::default();
    let containers = runs.run("containers", "disk", || containers::collect(host));
    let mut collectors = scanned.runs.into_vec();
    collectors.retain(|run| run.name == "inotify");
    collectors.extend(runs.into_vec());
    Snapshot {
        taken_at: host.look().taken_at,
        collectors,
        inotify: scanned.inotify,
        processes: scanned.processes,
        accounts: scanned.accounts,
        containers: containers.unwrap_or_default(),
        ..Snapshot::default()
    }
}

/// What the node's disk says about containers, and what of it could not be read.
///
/// # Errors
///
/// When nothing of it could be read.
pub fn containers(host: &dyn Host) -> anyhow::Result<(Containers, Vec<String>)> {
    let collected = containers::collect(host)?;
    Ok((collected.part, collected.gaps))
}

/// What is needed of process `pid` of user `uid` to find its owner; `None` when it has gone.
pub fn process(host: &dyn Host, pid: u32, uid: u32) -> Option<Process> {
    descriptors::describe(host, pid, uid, 0, None, &mut Vec::new()).map(|(process, _)| process)
}

/// The host's name.
pub fn node_name(host: &dyn Host) -> String {
    node::collect(host).name
}

/// Reads a limit of which a few numbers say everything.
type Simple = fn(&dyn Host) -> run::CollectResult<Vec<Resource>>;

/// The collectors of such limits, with what they read.
const SIMPLE: &[(&str, &str, Simple)] = &[
    ("aio", "procfs", aio::collect),
    ("files", "procfs", files::collect),
    ("ptys", "procfs", ptys::collect),
    ("hugepages", "sysfs", hugepages::collect),
    ("bridges", "sysfs", bridges::collect),
    ("btrfs", "sysfs", btrfs::collect),
    ("quotas", "statfs", quotas::collect),
];

/// Reads a limit that each network namespace has.
type OfNetworks = fn(&dyn Host, &Networks) -> run::CollectResult<Vec<Resource>>;

/// The collectors of such limits.
const OF_NETWORKS: [(&str, OfNetworks); 3] = [
    ("conntrack", conntrack::collect),
    ("neighbors", neighbors::collect),
    ("ports", ports::collect),
];

/// Collectors of such limits that are as old as recordings.
const ALWAYS: [&str; 2] = ["files", "ptys"];

/// What an older nospace recorded has no answers for the other collectors: that they found nothing then means nothing.
fn recorded(
    host: &dyn Host,
    name: &str,
    found: run::CollectResult<Vec<Resource>>,
) -> run::CollectResult<Vec<Resource>> {
    // Of every process with /proc, and asked by all that know of networks.
    let is_older = || host.is_recording() && host.link(proc("self/ns/net")) == Err(ReadError::Gone);
    found.map(|found| {
        if ALWAYS.contains(&name) || !found.part.is_empty() || !is_older() {
            return found;
        }
        let why = "the recording is older than this nospace, and does not have it";
        found
            .with_gaps(Vec::new())
            .out_of_sight(vec![why.to_owned()])
    })
}

/// Everything but descriptors; `tasks` waits for what the kernel's account says of all tasks.
fn system(host: &dyn Host, tasks: impl FnOnce() -> Tasks) -> Snapshot {
    let mut runs = Runs::default();
    let mut part = Snapshot {
        node: node::collect(host),
        vantage: vantage::collect(host),
        environment: environment::collect(host),
        ..Snapshot::default()
    };
    part.limits = runs.run("limits", "sysctl", || limits::collect(host));
    let mut trees = Trees::default();
    part.cgroups = runs.run("cgroups", "cgroupfs", || cgroups::collect(host, &mut trees));
    part.filesystems = runs.run("filesystems", "statfs", || filesystems::collect(host));
    for &(name, source, collect) in SIMPLE {
        let resources = runs.run(name, source, || recorded(host, name, collect(host)));
        part.resources.extend(resources.unwrap_or_default());
    }
    // Who cannot be listed is named by no finding; the figures stand.
    part.holdings = aio::holders(host, &part.resources).unwrap_or_default();
    part.pids = runs.run("pids", "procfs", || {
        pids::collect(host, part.cgroups.as_ref(), &trees)
    });
    part.keys = runs.run("keys", "procfs", || keys::collect(host));
    part.sysv = runs.run("sysv", "procfs", || sysv::collect(host));
    // As late as possible: the programs that tell of tasks take longest to load.
    let tasks = tasks();
    let walk = tasks.networks.is_empty().then(|| mounts::walk(host));
    let networks = Networks::list(host, &tasks, walk.as_ref());
    match &walk {
        Some(walk) if tasks.is_empty() => {
            part.mounts = runs.run("mounts", "procfs", || mounts::collect(host, walk));
            part.namespaces = runs.run("namespaces", "procfs", || {
                namespaces::collect(host, walk, &networks)
            });
        }
        _ => {
            part.mounts = runs.run("mounts", "ebpf", || mounts::of_tasks(host, &tasks));
            part.namespaces = runs.run("namespaces", "ebpf", || namespaces::of_tasks(host, &tasks));
        }
    }
    let programs = runs.run("bpf-jit", "procfs", || {
        let found = bpf_jit::collect(host, tasks.vmapped_stacks);
        recorded(host, "bpf-jit", found)
    });
    part.resources.extend(programs.unwrap_or_default());
    for (name, collect) in OF_NETWORKS {
        let resources = runs.run(name, "procfs", || {
            recorded(host, name, collect(host, &networks))
        });
        part.resources.extend(resources.unwrap_or_default());
    }
    // After the processes, or one in a container that has just begun would have none.
    part.containers = runs
        .run("containers", "disk", || containers::collect(host))
        .unwrap_or_default();
    part.collectors = runs.into_vec();
    part
}

/// Adds the holders of what is short to the processes, where they are not among them.
fn describe_holders(host: &dyn Host, snapshot: &mut Snapshot) {
    let known: BTreeSet<u32> = snapshot.processes.iter().map(|one| one.pid).collect();
    let near = snapshot.accounts.iter().flat_map(|one| &one.near);
    let holders = snapshot.holdings.iter().map(|one| one.pid);
    let pids: BTreeSet<u32> = holders
        .chain(near.flat_map(|one| &one.pids).copied())
        .collect();
    for pid in pids.difference(&known) {
        let described = host
            .owner(*pid)
            .ok()
            .and_then(|uid| process(host, *pid, uid));
        snapshot.processes.extend(described);
    }
    snapshot.processes.sort_unstable_by_key(|one| one.pid);
}

fn merge(
    host: &dyn Host,
    snapshot: &mut Snapshot,
    scanned: descriptors::DescriptorUsage,
    rest: Snapshot,
) {
    let taken_at = std::mem::take(&mut snapshot.taken_at);
    *snapshot = rest;
    snapshot.taken_at = taken_at;
    snapshot.inotify = scanned.inotify;
    // The kernel lets nobody in another user namespace read its accounting.
    if snapshot
        .inotify
        .as_ref()
        .is_some_and(|inotify| inotify.counters.is_some())
    {
        snapshot.vantage.user_namespace = Some(INITIAL_USER_NAMESPACE);
    }
    snapshot.processes = scanned.processes;
    snapshot.accounts = scanned.accounts;
    snapshot.guards = scanned.guards;
    let groups = snapshot
        .accounts
        .iter()
        .flat_map(|one| &one.fanotify_holders);
    snapshot
        .holdings
        .extend(groups.map(|(pid, groups)| Holding {
            cause: Cause::Fanotify,
            pid: *pid,
            amount: *groups,
        }));
    describe_holders(host, snapshot);
    shims::complete(snapshot, host);
    node::complete(snapshot, host);
    snapshot.epoll = scanned.epoll;
    snapshot.collectors.splice(0..0, scanned.runs.into_vec());
    snapshot.user_names = users::names(host, snapshot);
}
