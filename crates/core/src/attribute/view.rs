use std::collections::BTreeMap;

use super::{forecast, kubelet, owners, pods, processes, users};
use crate::managers::{NodeManager, has_kubelet_service, restart_dead_kubelet};
use crate::model::{Environment, Process, Program, Snapshot, UserKey, may_write};
use crate::report::{ContainerUse, Forecast, Owner, Pod, ProcessUse, Resource, Subject, User};

/// A snapshot with owners and budgets worked out: what the rules read.
#[derive(Clone, Debug)]
pub struct View<'a> {
    /// What was read.
    pub snapshot: &'a Snapshot,
    /// The owner of each process, by pid.
    pub owners: BTreeMap<u32, Owner>,
    /// Users that inotify is charged to, most pressed first.
    pub users: Vec<User>,
    /// Processes that hold instances, those with most first.
    pub processes: Vec<ProcessUse>,
    /// Pods that hold instances, those with most first.
    pub pods: Vec<Pod>,
    /// Containers outside any pod that hold instances.
    pub containers: Vec<ContainerUse>,
    /// Every other budget.
    pub resources: Vec<Resource>,
    /// What the next start of the kubelet would meet.
    pub forecast: Forecast,
    by_pid: BTreeMap<u32, &'a Process>,
}

impl<'a> View<'a> {
    /// Works everything out from `snapshot`, whose budgets other than inotify's are `resources`.
    #[must_use]
    pub fn new(snapshot: &'a Snapshot, resources: Vec<Resource>) -> Self {
        let owners = owners(snapshot);
        let users = users::users(snapshot);
        let (pods, containers) = pods::pods(snapshot, &owners);
        Self {
            snapshot,
            processes: processes::processes(snapshot, &owners),
            pods,
            containers,
            resources,
            forecast: forecast::forecast(snapshot, &users, &owners),
            users,
            owners,
            by_pid: snapshot.processes.iter().map(|p| (p.pid, p)).collect(),
        }
    }

    /// The owner of the process; the host, where nothing better is known.
    #[must_use]
    pub fn owner(&self, pid: u32) -> &Owner {
        self.owners.get(&pid).unwrap_or(&Owner::Host)
    }

    /// The manager of the node, by the kubelet that runs; `None` where none does.
    #[must_use]
    pub fn manager(&self) -> Option<NodeManager<'_>> {
        let kubelet = self.forecast.kubelet_start.as_ref()?.kubelet_pid?;
        let process = self.process(kubelet)?;
        let environment = self.environment();
        NodeManager::of(
            &process.comm,
            self.owner(kubelet),
            &process.cgroups,
            environment,
        )
    }

    /// Restarts the kubelet, which may have died; `None` where the node is not known to have a service for it.
    #[must_use]
    pub fn restart_kubelet(&self) -> Option<String> {
        match self.kubelets().next() {
            Some(_) => self.manager()?.restart_kubelet(),
            None => restart_dead_kubelet(self.environment()?),
        }
    }

    /// The kubelets of the node: none of those in pods.
    pub fn kubelets(&self) -> impl Iterator<Item = &'a Process> {
        kubelet::kubelets(self.snapshot, &self.owners)
    }

    /// In how many hierarchies cAdvisor watches each cgroup of this node; `None` where cgroups or inotify could not be read.
    #[must_use]
    pub fn cadvisor_hierarchies(&self) -> Option<u64> {
        forecast::cadvisor_hierarchies(self.snapshot, &self.owners)
    }

    /// Whether the node is known to have the program.
    #[must_use]
    pub fn has(&self, program: Program) -> bool {
        self.environment()
            .is_some_and(|environment| environment.programs.contains(&program))
    }

    /// Whether the sysctl can be written where nospace ran, by root.
    #[must_use]
    pub fn may_write(&self, key: &str) -> bool {
        may_write(self.environment(), &self.snapshot.vantage, key)
    }

    /// What the node has; `None` where that is not known.
    #[must_use]
    pub fn environment(&self) -> Option<&'a Environment> {
        self.snapshot.environment.as_ref()
    }

    /// Whether anything shows that the machine is a node of Kubernetes: a kubelet, or its service and the configuration that it would
    /// start with; a pod, or what pods left. A service alone may be one that was never configured, or that is disabled.
    #[must_use]
    pub fn is_of_kubernetes(&self) -> bool {
        let snapshot = self.snapshot;
        let mut owners = self.owners.values();
        self.kubelets().next().is_some()
            || !snapshot.containers.pod_logs.is_empty()
            || owners.any(|o| matches!(o, Owner::Pod { .. }))
            || snapshot.processes.iter().any(Process::is_in_pods)
            || self.has_kubelet_service() && snapshot.node.kubelet.is_some()
    }

    /// Whether the node has a service for a kubelet, which may never have been started.
    #[must_use]
    pub fn has_kubelet_service(&self) -> bool {
        self.environment().is_some_and(has_kubelet_service)
    }

    /// The process, if it is among those that were kept.
    #[must_use]
    pub fn process(&self, pid: u32) -> Option<&'a Process> {
        self.by_pid.get(&pid).copied()
    }

    /// The subject in words, a user with its name.
    #[must_use]
    pub fn caption(&self, subject: &Subject) -> String {
        self.snapshot.user_names.caption(subject)
    }

    /// The user that `key` names.
    #[must_use]
    pub fn user(&self, key: UserKey) -> Option<&User> {
        users::find(&self.users, key)
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{Environment, KubeletConfig, UserCounters, UserKey};
    use crate::report::{Report, Rule};
    use crate::testing::node;

    /// No kubelet runs, and there never was a pod.
    fn report(services: &[&str], config: Option<KubeletConfig>) -> Report {
        let services = services.iter().map(|&service| service.to_owned()).collect();
        let node = node().process(7, "sshd").with(|s| {
            s.node.kubelet = config;
            s.environment = Some(Environment {
                services,
                ..Environment::default()
            });
            let counters = UserCounters {
                key: UserKey::initial(0),
                instances: 128,
                watches: 10,
                instances_limit: 128,
                watches_limit: 8_192,
            };
            if let Some(inotify) = &mut s.inotify {
                inotify.counters = Some(vec![counters]);
            }
        });
        node.cgroups_v2(100, 4).report()
    }

    fn would_fail(report: &Report) -> bool {
        let mut findings = report.findings.iter();
        findings.any(|f| f.rule == Rule::KubeletStart)
    }

    #[test]
    fn a_configured_kubelet_that_has_died_would_fail_to_restart() {
        let report = report(&["kubelet"], Some(KubeletConfig::default()));
        assert_eq!(report.log_context.has_kubelet, Some(true));
        assert!(would_fail(&report));
    }

    #[test]
    fn a_service_alone_proves_no_kubelet() {
        for service in ["kubelet", "edgecore", "k3s"] {
            let report = report(&[service], None);
            assert_eq!(report.log_context.has_kubelet, None, "{service}");
            assert!(!would_fail(&report), "{service}");
        }
    }

    #[test]
    fn a_configuration_without_a_service_proves_no_kubelet() {
        let report = report(&["containerd"], Some(KubeletConfig::default()));
        assert_eq!(report.log_context.has_kubelet, Some(false));
        assert!(!would_fail(&report));
    }
}
