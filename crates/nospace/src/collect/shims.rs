//! Containers of a containerd whose state directory is not the usual one, or is in another container: one of its shims leads there.
//!
//! A shim works in the directory of its container, `STATE/io.containerd.runtime.v2.task/NAMESPACE/ID` (`NewBundle`, core/runtime/v2/bundle.go of
//! containerd): of a containerd with `--state`, and of one that runs in a container, as on a node of kind.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use nospace_core::model::{Bundle, Containers, Process, Snapshot};
use nospace_core::parse::cgroup_path::{identify, is_id};
use nospace_core::parse::process::{cgroup, stat};
use nospace_core::runtimes;

use super::containers::{TASKS, state_of};
use super::mounts::namespace_at;
use super::read;
use crate::host::{Host, proc};

/// Name of a shim's program, or its beginning.
const SHIM: &str = "containerd-shim";
/// How many processes in unknown containers are traced to their shim, at most.
const MAX_ASKED: usize = 500;

/// Adds the containers of the processes that belong to none that is known.
pub fn complete(snapshot: &mut Snapshot, host: &dyn Host) {
    let mut known = Known::of(&snapshot.containers);
    let unknown = snapshot.processes.iter().filter(|one| known.lacks(one));
    let mut asked = BTreeSet::new();
    let shims = unknown
        .take(MAX_ASKED)
        .filter_map(|one| shim(host, one, &mut asked));
    let shims: BTreeSet<u32> = shims.collect();
    if shims.is_empty() {
        return;
    }
    let mut known: BTreeSet<_> = snapshot.containers.bundles.iter().map(key).collect();
    let mut seen = BTreeSet::new();
    let mut gaps = Vec::new();
    for pid in shims {
        let Some((in_container, state)) = placed(host, pid).zip(state(host, pid)) else {
            continue;
        };
        let mounts = namespace_at(host, &format!("{pid}/ns/mnt")).ok();
        if !seen.insert((mounts, state.clone())) {
            continue;
        }
        let (mut found, missed) = state_of(host, pid, &state);
        gaps.extend(missed);
        if in_container {
            found.retain(|bundle| is_id(&bundle.id));
            for bundle in &mut found {
                // Both are relative to its own namespaces.
                bundle.init_pid = None;
                bundle.cgroups_path = None;
            }
        }
        found.retain(|bundle| known.insert(key(bundle)));
        snapshot.containers.bundles.append(&mut found);
    }
    let mut runs = snapshot.collectors.iter_mut();
    if let Some(run) = runs.find(|run| run.name == "containers") {
        run.partial |= !gaps.is_empty();
        run.gaps.extend(gaps);
    }
}

/// What tells containers apart: those of two containerds may have the same name.
fn key(bundle: &Bundle) -> (String, Option<String>) {
    let path = bundle.cgroups_path.clone();
    (bundle.id.clone(), path.filter(|_| !is_id(&bundle.id)))
}

/// What is known of containers.
struct Known<'s> {
    ids: BTreeSet<&'s str>,
    cgroups: BTreeSet<&'s str>,
    /// Cgroups of processes, and whether they are of a container of which nothing is known: most are those of many processes.
    asked: BTreeMap<&'s str, bool>,
}

impl<'s> Known<'s> {
    fn of(containers: &'s Containers) -> Self {
        let bundles = containers.bundles.iter();
        Self {
            ids: bundles.clone().map(|one| one.id.as_str()).collect(),
            cgroups: bundles
                .filter_map(|one| one.cgroups_path.as_deref())
                .collect(),
            asked: BTreeMap::new(),
        }
    }

    /// Whether a process is in a container, or serves one, of which nothing is known.
    fn lacks(&mut self, process: &'s Process) -> bool {
        if let Some(id) = &process.serves {
            return !self.ids.contains(id.as_str());
        }
        let mut paths = process.cgroups.iter().map(|one| one.path.as_str());
        paths.any(|path| {
            let asked = self.asked.get(path).copied();
            asked.unwrap_or_else(|| {
                let lacks = self.lacks_container_of(path);
                self.asked.insert(path, lacks);
                lacks
            })
        })
    }

    fn lacks_container_of(&self, path: &str) -> bool {
        let identity = identify(path);
        match (identity.container, identity.unit) {
            (Some(container), _) => {
                is_id(&container.id) && !self.ids.contains(container.id.as_str())
            }
            (None, Some(_)) => false,
            (None, None) => path.len() > 1 && !self.cgroups.contains(path),
        }
    }
}

/// The process itself or an ancestor that is a shim. Only root's is believed: any user can have a process of that name. Of an ancestor
/// that was `asked` already, for another process, the answer is known.
fn shim(host: &dyn Host, process: &Process, asked: &mut BTreeSet<u32>) -> Option<u32> {
    let is_shim = |comm: &str| runtimes::monitor(comm).is_some_and(|one| one.program == SHIM);
    let (mut pid, mut comm, mut parent) = (process.pid, process.comm.clone(), process.ppid);
    loop {
        if is_shim(&comm) {
            return (host.owner(pid) == Ok(0)).then_some(pid);
        }
        if parent <= 1 || !asked.insert(parent) {
            return None;
        }
        pid = parent;
        let found = read::optional(host, proc(&format!("{pid}/stat")), stat).ok()??;
        (comm, parent) = (found.comm, found.ppid);
    }
}

/// Whether a shim runs in a container itself; `None` in a pod, to which all belongs that it runs, and where it is not known.
fn placed(host: &dyn Host, pid: u32) -> Option<bool> {
    let cgroups = read::optional(host, proc(&format!("{pid}/cgroup")), cgroup).ok()??;
    let identities: Vec<_> = cgroups.iter().map(|one| identify(&one.path)).collect();
    let in_pod = identities.iter().any(|one| one.pod_uid.is_some());
    (!in_pod).then(|| identities.iter().any(|one| one.container.is_some()))
}

/// The state directory, as the shim calls it.
fn state(host: &dyn Host, pid: u32) -> Option<String> {
    let directory = host.link(proc(&format!("{pid}/cwd"))).ok()?;
    let mut above = Path::new(&directory).ancestors().skip(2);
    let tasks = above.next()?.file_name()?.to_str()?;
    let state = above.next()?.to_str()?;
    TASKS.contains(&tasks).then(|| state.to_owned())
}
