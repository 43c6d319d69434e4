//! Which process is the node's kubelet, what it holds, and what the kubelets of all versions need.

use std::collections::BTreeMap;

use crate::amount::thousands;
use crate::managers::{Manager, combined, combined_by_services, is_kubelet};
use crate::model::{Instance, KubeletConfig, Pair, Process, Snapshot, UserKey};
use crate::parse::cgroup_path::identify;
use crate::report::Owner;

/// Instances of a starting kubelet: cAdvisor's raw factory and its watcher, without which it exits (`Start`, manager/manager.go); the
/// client CA, the static pods and the flexvolume directory, asked for before that; the plugin registry after it.
pub const INSTANCES: u64 = 6;
/// One more from Kubernetes 1.31 on, for its serving certificate (`ReloadKubeletServerCertificateFile`); seen on 1.36.3.
pub const INSTANCES_FROM_1_31: u64 = INSTANCES + 1;
/// One watch in each instance that is not cAdvisor's.
pub const OTHER_WATCHES: u64 = 4;
/// One of each less before Kubernetes 1.23, which looked at its client CA every minute (`dynamic_cafile_content.go`, k8s.io/apiserver); seen on 1.20.2.
pub const LESS_BEFORE_1_23: u64 = 1;
/// And the serving certificate's two files.
pub const OTHER_WATCHES_FROM_1_31: u64 = OTHER_WATCHES + 2;
/// Instances that every kubelet takes: cAdvisor's two, flexvolumes, plugins; seen on 1.37.2. Watches beside cAdvisor's.
pub const LEAST: Pair<u64> = Pair {
    instances: 4,
    watches: 2,
};
/// So long after its start, in ticks, a kubelet may not hold yet all that it takes; on a loaded node it is slow.
const STARTING_TICKS: u64 = 60 * 100;

/// Whether a kubelet was started a moment ago, and may not hold yet all that it takes. Both are in ticks of a hundredth of a second since
/// the machine was started.
#[must_use]
pub fn is_starting(start_ticks: u64, uptime_ticks: Option<u64>) -> bool {
    uptime_ticks.is_some_and(|now| now.saturating_sub(start_ticks) < STARTING_TICKS)
}

/// The kubelets of the node: none of those in pods, which have nodes of their own (vcluster, kind in CI).
pub fn kubelets<'s>(
    snapshot: &'s Snapshot,
    owners: &BTreeMap<u32, Owner>,
) -> impl Iterator<Item = &'s Process> {
    let is_of_pod = |pid| matches!(owners.get(&pid), Some(Owner::Pod { .. }));
    let processes = snapshot.processes.iter();
    processes.filter(move |p| is_kubelet(&p.comm) && !is_of_pod(p.pid))
}

/// The process whose next start the forecast is about.
#[must_use]
pub fn node_kubelet<'s>(
    snapshot: &'s Snapshot,
    owners: &BTreeMap<u32, Owner>,
) -> Option<&'s Process> {
    let pid = Kubelet::find(snapshot, owners)?.pid?;
    snapshot.processes.iter().find(|one| one.pid == pid)
}

/// Whether the cgroups of a process that may be a kubelet are those of a container.
#[must_use]
pub fn may_be_kubelet_in_container(process: &Process) -> bool {
    let mut cgroups = process.cgroups.iter();
    is_kubelet(&process.comm) && cgroups.any(|one| identify(&one.path).container.is_some())
}

/// The kubelet that runs, if one does.
#[derive(Debug)]
pub struct Kubelet {
    pub pid: Option<u32>,
    /// Whom the kernel charges for what it opens.
    pub account: UserKey,
    /// Instances that it alone holds, and that are charged to that account.
    pub instances: u64,
    /// Watches in them.
    pub watches: u64,
    /// Watches in the largest of them, which is cAdvisor's.
    pub largest: u64,
    /// It was started a moment ago, and may take more.
    pub is_starting: bool,
    /// The manager that runs more in the same process: what that needs is known only from what it holds.
    pub beside: Option<&'static Manager>,
}

impl Kubelet {
    /// One outside of containers before one in a container: kind's nodes and RKE1 have theirs there. Of several the one that
    /// watches most. `None` only where inotify could not be read: then nothing can be said.
    pub fn find(snapshot: &Snapshot, owners: &BTreeMap<u32, Owner>) -> Option<Self> {
        let instances = &snapshot.inotify.as_ref()?.instances;
        let none = Self {
            pid: None,
            account: snapshot.vantage.root(),
            instances: 0,
            watches: 0,
            largest: 0,
            is_starting: false,
            beside: snapshot.environment.as_ref().and_then(combined_by_services),
        };
        let uptime = snapshot.node.uptime_ticks;
        let is_outside = |p: &Process| !matches!(owners.get(&p.pid), Some(Owner::Container { .. }));
        Some(
            kubelets(snapshot, owners)
                .map(|p| (is_outside(p), Self::of(p, instances, uptime)))
                .max_by_key(|(is_outside, kubelet)| (*is_outside, kubelet.watches))
                .map_or(none, |(_, kubelet)| kubelet),
        )
    }

    fn of(process: &Process, instances: &[Instance], uptime: Option<u64>) -> Self {
        let held = instances
            .iter()
            .filter(|i| i.holders.iter().all(|d| d.pid == process.pid));
        let held: Vec<&Instance> = held.collect();
        // It runs as one user, and so is charged for all as that; who passed it another instance may not be.
        let largest = held.iter().max_by_key(|i| i.watches);
        let account = largest.map_or(process.user, |i| i.charged);
        let own = || held.iter().filter(|i| i.charged == account);
        let watches = || own().map(|i| u64::from(i.watches));
        Self {
            pid: Some(process.pid),
            account,
            instances: own().count() as u64,
            watches: watches().sum(),
            largest: watches().max().unwrap_or(0),
            is_starting: is_starting(process.start_ticks, uptime),
            beside: combined(&process.comm),
        }
    }

    /// It runs, and holds what it takes.
    pub fn is_measured(&self) -> bool {
        self.pid.is_some() && !self.is_starting
    }

    /// Instances in all, and the watches that are not cAdvisor's: those that it holds, but for one more with every log that is
    /// followed; of one that does not hold all yet those that it is configured for. Which of those of a process that runs more
    /// than the kubelet are for logs is not known: all count.
    pub fn other_needs(&self, configured: Pair<u64>) -> Pair<u64> {
        let most = match self.beside {
            Some(_) => u64::MAX,
            None => INSTANCES_FROM_1_31,
        };
        let held = Pair {
            instances: self.instances.clamp(LEAST.instances, most),
            watches: self.watches.saturating_sub(self.largest),
        };
        match self.pid {
            Some(_) if self.is_starting => Pair::new(|one| held[one].max(configured[one])),
            Some(_) => held,
            None => configured,
        }
    }

    /// The same, of the kubelet alone.
    pub fn least_needs(&self, configured: Pair<u64>) -> Pair<u64> {
        let needs = self.other_needs(configured);
        match self.beside {
            Some(_) => Pair {
                instances: needs.instances.min(INSTANCES_FROM_1_31),
                watches: needs.watches.min(OTHER_WATCHES_FROM_1_31),
            },
            None => needs,
        }
    }

    /// What stands before a figure that is a lower bound.
    pub fn bound(&self) -> &'static str {
        bound(self.beside.is_some() && !self.is_measured())
    }

    /// What the watches that are not cAdvisor's are for.
    pub fn others(&self, config: Option<KubeletConfig>) -> String {
        if let Some(Manager {
            title,
            beside: Some(beside),
            ..
        }) = self.beside
        {
            return match self.is_measured() {
                true => format!("what else {title} watches, with {beside} in the same process"),
                false => format!(
                    "the kubelet's own files, and an unknown number for {beside}, which {title} runs in the same process"
                ),
            };
        }
        let words = match (self.is_measured(), config) {
            (true, _) => "what else the running kubelet watches",
            (_, Some(_)) => "flexvolumes, plugins, and what the kubelet is configured for",
            (_, None) => "the client CA, static pods, flexvolumes, serving certificate and plugins",
        };
        words.to_owned()
    }

    pub fn words(&self) -> String {
        let watches = thousands(self.watches);
        let instances = thousands(self.instances);
        match self.pid {
            Some(pid) if self.is_starting => format!(
                "the kubelet (pid {pid}) has just been started and may take more; it would give back {watches} watches and {instances} instances"
            ),
            Some(pid) => format!(
                "the running kubelet (pid {pid}) would give back {watches} watches and {instances} instances"
            ),
            None => "no kubelet runs that would give anything back".to_owned(),
        }
    }
}

/// What stands before a figure that is a lower bound.
pub fn bound(truncated: bool) -> &'static str {
    if truncated { "at least " } else { "" }
}

#[cfg(test)]
mod tests {
    use crate::model::KubeletConfig;
    use crate::report::{KubeletStart, StartVerdict};
    use crate::testing::{Node, node};

    fn start(node: &Node) -> KubeletStart {
        node.report().forecast.kubelet_start.unwrap()
    }

    #[test]
    fn a_kubelet_in_a_pod_is_of_another_node() {
        // A vcluster on a node that has lost its own kubelet.
        let inside = |node: Node| node.pod(40, "k3s", "vcluster-0").holds(9, 100);
        let dead = start(&inside(node().cgroups_v2(200, 20)));
        assert_eq!(dead.kubelet_pid, None);
        assert_eq!((dead.instances_needed, dead.watches_needed), (7, 180 + 6));
        assert!(dead.basis.contains("no kubelet runs"), "{}", dead.basis);
        let runs = inside(
            node()
                .cgroups_v2(200, 20)
                .process(9, "kubelet")
                .holds(6, 20),
        );
        assert_eq!(start(&runs).kubelet_pid, Some(9));
    }

    #[test]
    fn a_kubelet_in_a_container_is_the_nodes_where_no_other_runs() {
        let kind = |node: Node| node.docker(40, "kubelet", "kind-worker").holds(6, 100);
        assert_eq!(
            start(&kind(node().cgroups_v2(200, 20))).kubelet_pid,
            Some(40)
        );
        let both = kind(
            node()
                .cgroups_v2(200, 20)
                .process(9, "kubelet")
                .holds(6, 20),
        );
        assert_eq!(start(&both).kubelet_pid, Some(9));
    }

    /// KubeEdge 1.20.0: cAdvisor's two, flexvolumes, plugins and static pods, whatever a kubelet before it was configured for.
    #[test]
    fn an_edgecore_has_neither_a_client_ca_nor_a_serving_certificate() {
        let start_at = |age: u64, held, others| {
            let node = node().cgroups_v2(13, 0).process(9, "edgecore");
            let node = node
                .holds(1, 13)
                .holds(1, 0)
                .holds(held, 1)
                .holds(others, 1);
            start(&node.with(|s| {
                s.processes[0].start_ticks = 5_000;
                s.node.uptime_ticks = Some(5_000 + age);
                s.node.kubelet = Some(KubeletConfig {
                    static_pods: true,
                    client_ca: true,
                    serving_certificate: true,
                });
            }))
        };
        let early = start_at(300, 1, 0);
        assert_eq!((early.instances_needed, early.watches_needed), (5, 16));
        assert_eq!(early.verdict, StartVerdict::Unknown);
        assert!(
            early.basis.contains("at least 5 instances"),
            "{}",
            early.basis
        );
        let measured = start_at(60 * 100, 3, 0);
        assert_eq!(
            (measured.instances_needed, measured.watches_needed),
            (5, 16)
        );
        assert_eq!(measured.verdict, StartVerdict::Starts);
        assert_eq!(start_at(60 * 100, 3, 2).instances_needed, 7);
    }
}
