use std::collections::{BTreeMap, BTreeSet};

use super::names::Names;
use crate::model::{Bundle, Runtime, Snapshot};
use crate::parse::cgroup_path::{identify, unescaped_triple};

/// Running pods and containers, from what runtimes keep on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Running {
    /// Pods.
    pub pods: u64,
    /// Their containers, the pause containers among them.
    pub containers: u64,
    /// The runtime of most of them; `None` without containers.
    pub runtime: Option<Runtime>,
    /// Whether systemd creates their cgroups; `None` if not known.
    pub by_systemd: Option<bool>,
}

/// Counts what runs. If no runtime can be read, it counts the kubelet's log directories, which include those of
/// restarted containers.
#[must_use]
pub fn running(snapshot: &Snapshot) -> Running {
    let names = Names::new(&snapshot.containers);
    let mut pods = BTreeSet::new();
    let mut found = Running::default();
    let mut runtimes = BTreeMap::<Runtime, u64>::new();
    for bundle in snapshot.containers.bundles.iter().filter(|b| runs(b)) {
        let Some(pod) = names.pod(None, Some(bundle), Some(&bundle.id)) else {
            continue;
        };
        pods.insert((pod.uid, pod.namespace, pod.name));
        found.containers += 1;
        *runtimes.entry(bundle.runtime).or_default() += 1;
        found.by_systemd = found.by_systemd.or_else(|| by_systemd(bundle));
    }
    found.pods = pods.len() as u64;
    found.runtime = runtimes
        .into_iter()
        .max_by_key(|(_, n)| *n)
        .map(|(of, _)| of);
    if found.pods == 0 {
        let logs = &snapshot.containers;
        found.pods = logs.pod_logs.len() as u64;
        found.containers = found.pods + logs.container_logs.len() as u64;
    }
    found
}

/// Docker and containers/storage keep a container's files when it has ended; its pid goes.
fn runs(bundle: &Bundle) -> bool {
    let ends_with_it = bundle.runtime.definition().is_some_and(|d| !d.keeps_ended);
    ends_with_it || bundle.init_pid.is_some()
}

fn by_systemd(bundle: &Bundle) -> Option<bool> {
    let path = bundle.cgroups_path.as_deref()?;
    identify(path).pod_uid.as_ref()?;
    Some(unescaped_triple(path).is_some())
}
