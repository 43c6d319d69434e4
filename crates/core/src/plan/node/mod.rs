//! What a node needs, from what it uses: the cost per pod, and the rest.

mod others;
mod shares;

use shares::Shares;

use super::{
    CandidateLimits, Cgroup, CgroupDriver, Contradiction, NodeBase, Plan, Proposal, Question,
    answer, root_workloads, terms, total,
};
use crate::amount::{count, thousands};
use crate::attribute::kubelet::{INSTANCES_FROM_1_31, OTHER_WATCHES_FROM_1_31};
use crate::attribute::{Part, Running, View, running};
use crate::limits::describe;
use crate::model::{CgroupVersion, Pair, Runtime, UserKey};
use crate::report::{GuardLine, Owner, Unseen, User};

/// What the command line says of the node, over what is seen of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeOverrides {
    /// Application containers of a pod.
    pub containers_per_pod: Option<u64>,
    /// Who runs them.
    pub runtime: Option<Runtime>,
    /// The cgroup interface.
    pub cgroup: Option<Cgroup>,
    /// Who makes the cgroups of pods.
    pub cgroup_driver: Option<CgroupDriver>,
    /// Bytes of memory.
    pub memory_bytes: Option<u64>,
}

/// Why a node gives no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodePlanError {
    /// What was asked cannot be.
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
    /// Nothing is known of its use.
    #[error(
        "inotify could not be read on this node, so its use is not known; nospace check says why"
    )]
    Unreadable,
}

/// What the node needs for `asked.pods` pods of the kind that it runs now; where it runs none, of the kind that
/// was asked for.
///
/// # Errors
///
/// What was asked cannot be, or the node's use could not be read.
pub fn plan_node(
    asked: &Question,
    overrides: NodeOverrides,
    view: &View,
    against: &[CandidateLimits],
) -> Result<Plan, NodePlanError> {
    let seen = NodeUse::new(view)?;
    let asked = seen.question(asked, overrides);
    let mut notes = asked.notes()?;
    notes.extend(super::versions::notes(asked.kubernetes, asked.cgroup));
    let shares = seen.shares(&asked);
    let live = seen.limits();
    let mut all: Vec<CandidateLimits> = live.iter().cloned().collect();
    all.extend_from_slice(against);
    let need = |pods: u64| total(&shares.terms(pods, &asked));
    let mut node = seen.base(&shares);
    node.more_pods = live
        .as_ref()
        .and_then(|live| super::capacity::capacity(live, asked.pods, &need).pods)
        .map(|pods| pods.saturating_sub(node.pods));
    if seen.running.pods == 0 {
        notes.push(
            "No pods run on this node: the cost per pod is calculated, not measured.".to_owned(),
        );
        notes.extend(root_workloads(&asked));
    }
    if !seen.kubelet_runs() {
        notes.push("No kubelet runs on this node: what one needs is added.".to_owned());
    }
    notes.extend(seen.outlier());
    notes.extend(seen.unseen());
    let others = others::others(view, seen.running.pods, asked.pods);
    if others.with_room > 0 {
        notes.push(format!(
            "{} would also suffice for that many pods of this kind, as far as could be read.",
            count(others.with_room, "other limit", "other limits")
        ));
    }
    let mut plan = answer(
        &asked,
        Some(node),
        shares.terms(asked.pods, &asked),
        &need,
        &all,
        notes,
    );
    plan.other_limits = others.short;
    Ok(plan)
}

struct NodeUse<'v> {
    view: &'v View<'v>,
    root: &'v User,
    running: Running,
}

impl<'v> NodeUse<'v> {
    fn new(view: &'v View<'v>) -> Result<Self, NodePlanError> {
        let mut collectors = view.snapshot.collectors.iter();
        if collectors.any(|run| run.name == "inotify" && run.blind) {
            return Err(NodePlanError::Unreadable);
        }
        let root = view
            .user(UserKey::initial(0))
            .ok_or(NodePlanError::Unreadable)?;
        Ok(Self {
            view,
            root,
            running: running(view.snapshot),
        })
    }

    fn version(&self) -> CgroupVersion {
        let cgroups = self.view.snapshot.cgroups.as_ref();
        cgroups.map_or(CgroupVersion::Unknown, |c| c.version)
    }

    fn kubelet_runs(&self) -> bool {
        self.view.kubelets().next().is_some()
    }

    /// The question, with what is seen of the node where no option overrides it.
    fn question(&self, asked: &Question, overrides: NodeOverrides) -> Question {
        let running = &self.running;
        let per_pod = (running.pods > 0).then(|| {
            running
                .containers
                .saturating_sub(running.pods)
                .div_ceil(running.pods)
        });
        let serves = |runtime: &Runtime| runtime.definition().is_some_and(|d| d.serves_kubelet());
        let runtime = running.runtime.filter(serves);
        let cgroup = match self.version() {
            CgroupVersion::V2 => Some(Cgroup::V2),
            CgroupVersion::V1 | CgroupVersion::Hybrid => Some(Cgroup::V1),
            CgroupVersion::Unknown => None,
        };
        let driver = running.by_systemd.map(|systemd| match systemd {
            true => CgroupDriver::Systemd,
            false => CgroupDriver::Cgroupfs,
        });
        Question {
            containers_per_pod: overrides
                .containers_per_pod
                .or(per_pod)
                .unwrap_or(asked.containers_per_pod),
            runtime: overrides.runtime.or(runtime).unwrap_or(asked.runtime),
            cgroup: overrides.cgroup.or(cgroup).unwrap_or(asked.cgroup),
            cgroup_driver: overrides
                .cgroup_driver
                .or(driver)
                .unwrap_or(asked.cgroup_driver),
            memory_bytes: overrides
                .memory_bytes
                .or(self.view.snapshot.node.memory_bytes),
            log_follows: 0,
            nested_cgroups: 0,
            other_cgroups: 0,
            ..asked.clone()
        }
    }

    /// Why the node may use more than was counted.
    fn unseen(&self) -> Option<String> {
        let snapshot = self.view.snapshot;
        let vantage = &snapshot.vantage;
        let mut collectors = snapshot.collectors.iter();
        let inotify = collectors.find(|run| run.name == "inotify");
        let unseen = if !vantage.initial_pid_namespace {
            Unseen::OtherPidNamespaces
        } else if !vantage.sees_all_accounts() {
            Unseen::Ancestors
        } else {
            Unseen::of_run(inotify?, vantage)?
        };
        Some(format!(
            "This node may use more than was counted, and fewer pods may fit: {}.",
            unseen.sentence()
        ))
    }

    fn used(&self) -> Pair<u64> {
        Pair::of(self.root.instances.used, self.root.watches.used)
    }

    fn limits(&self) -> Option<CandidateLimits> {
        let limits = Proposal {
            max_user_instances: self.root.instances.limit?,
            max_user_watches: self.root.watches.limit?,
        };
        let guards = self.view.snapshot.guards.as_ref();
        let line = |one| GuardLine::of(guards, self.root, one);
        Some(CandidateLimits {
            kept: Pair::new(|one| line(one).map_or(0, |line| line.kept)),
            ..CandidateLimits::figures("this node", limits, "/proc/sys/fs/inotify, now")
        })
    }

    /// What pods hold of root's budgets, their shims included.
    fn own(&self) -> Pair<u64> {
        let holders = self.view.holders(UserKey::initial(0));
        holders
            .iter()
            .filter(|h| matches!(h.part, Part::Pod { .. }))
            .fold(Pair::default(), |sum, h| sum.plus(h.holds))
    }

    /// The pod that the average hangs on.
    fn outlier(&self) -> Option<String> {
        let own = self.own();
        let holders = self.view.holders(UserKey::initial(0));
        let pod = holders
            .iter()
            .filter(|h| matches!(h.part, Part::Pod { .. }) && self.running.pods > 1)
            .find(|h| h.holds.watches > own.watches / 2 || h.holds.instances > own.instances / 2)?;
        Some(format!(
            "One pod dominates the average: {} holds {} of the {} watches and {} of the {} instances of all pods. If it is the \
             only one of its kind, more pods cost less than this.",
            describe::part(self.view, &pod.part),
            thousands(pod.holds.watches),
            thousands(own.watches),
            thousands(pod.holds.instances),
            thousands(own.instances),
        ))
    }

    /// Watches that cAdvisor has on the cgroups of pods, or would have.
    fn cadvisor(&self, asked: &Question) -> u64 {
        let directories = self
            .running
            .pods
            .saturating_add(self.running.containers)
            .saturating_add(terms::monitor_cgroups(asked, self.monitored(asked)));
        let hierarchies = self.view.cadvisor_hierarchies().unwrap_or(1);
        let watches = directories.saturating_mul(hierarchies);
        match &self.view.forecast.kubelet_start {
            Some(start) if start.kubelet_pid.is_some() => watches.min(start.watches_given_back),
            _ => watches,
        }
    }

    /// Containers that run, and have a monitor.
    fn monitored(&self, asked: &Question) -> u64 {
        terms::running(asked, self.running.pods, self.running.containers)
    }

    /// Watches that PID 1 has on the units of pods.
    fn systemd(&self, asked: &Question) -> u64 {
        let init = self.view.processes.iter().find(|p| {
            p.comm == "systemd" && matches!(&p.owner, Owner::Unit { name } if name == "init.scope")
        });
        let by_systemd = asked.cgroup_driver == CgroupDriver::Systemd;
        let files = match self.version() {
            CgroupVersion::V2 => 2,
            CgroupVersion::Hybrid => 1,
            CgroupVersion::V1 | CgroupVersion::Unknown => return 0,
        };
        let running = self.monitored(asked);
        let scopes = running.saturating_add(terms::monitor_cgroups(asked, running));
        let watches = self
            .running
            .pods
            .saturating_add(scopes.saturating_mul(files));
        init.filter(|_| by_systemd)
            .map_or(0, |init| watches.min(init.watches))
    }

    fn shares(&self, asked: &Question) -> Shares {
        let (cadvisor, systemd) = (self.cadvisor(asked), self.systemd(asked));
        let mut shares = Shares {
            pods: self.running.pods,
            own: self.own(),
            cadvisor,
            systemd,
            rest: Pair::default(),
            kubelet: Pair::default(),
        };
        let mut charged = shares.own.plus(Pair::of(0, systemd));
        if self.kubelet_runs() {
            charged = charged.plus(Pair::of(0, cadvisor));
        } else {
            let start = &self.view.forecast.kubelet_start;
            let watches = start
                .as_ref()
                .map_or(OTHER_WATCHES_FROM_1_31, |s| s.watches_needed);
            shares.kubelet = Pair::of(INSTANCES_FROM_1_31, watches.saturating_sub(cadvisor));
        }
        shares.rest = self.used().minus(charged);
        shares
    }

    fn base(&self, shares: &Shares) -> NodeBase {
        let snapshot = self.view.snapshot;
        NodeBase {
            name: snapshot.node.name.clone(),
            kernel: snapshot.node.kernel.clone(),
            pods: self.running.pods,
            containers: self.running.containers,
            instances: self.root.instances,
            watches: self.root.watches,
            per_pod: shares.per_pod(),
            kubelet_runs: self.kubelet_runs(),
            more_pods: None,
        }
    }
}
