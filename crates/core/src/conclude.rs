use crate::attribute::View;
use crate::diagnose;
use crate::evidence;
use crate::explain;
use crate::limits;
use crate::model::{CgroupVersion, Snapshot};
use crate::report::{
    Finding, InotifyLimits, LogContext, Node, NotSeen, Owner, RemedyContext, Report,
    SCHEMA_VERSION, Speaker,
};

/// What a look at a node means: the owners, what is wrong, what to do.
#[must_use]
pub fn conclude(snapshot: &Snapshot) -> Report {
    conclude_with(view(snapshot), Vec::new())
}

/// A snapshot with owners and budgets worked out: what the rules read.
#[must_use]
pub fn view(snapshot: &Snapshot) -> View<'_> {
    View::new(snapshot, limits::usage(snapshot))
}

/// The same, with findings that other checks have shown.
#[must_use]
pub fn conclude_with(view: View<'_>, more: Vec<Finding>) -> Report {
    let findings = diagnose::findings(&view, more);
    let snapshot = view.snapshot;
    let remedy_context = RemedyContext {
        environment: snapshot.environment.clone(),
        restart_kubelet: view.restart_kubelet(),
        restart_containerd: limits::restart_containerd(&view),
        restart_crio: limits::restart_crio(&view),
    };
    let log_context = log_context(&view);
    let mut report = Report {
        log_context,
        remedy_context,
        schema_version: SCHEMA_VERSION,
        taken_at: snapshot.taken_at.clone(),
        node: node(snapshot),
        vantage: snapshot.vantage,
        collectors: snapshot.collectors.clone(),
        limits: limits(snapshot),
        users: view.users,
        processes: view.processes,
        pods: view.pods,
        containers: view.containers,
        resources: view.resources,
        guards: snapshot.guards.clone(),
        forecast: view.forecast,
        findings,
        unseen: NotSeen::unjudged(),
        not_covered: Vec::new(),
        user_names: snapshot.user_names.clone(),
    };
    evidence::judge_node(&mut report);
    report
}

fn log_context(view: &View) -> LogContext {
    let snapshot = view.snapshot;
    let now = explain::seconds(&snapshot.taken_at);
    let uptime = snapshot.node.uptime_ticks.map(|ticks| ticks / 100);
    let processes = snapshot.processes.iter();
    // Without processes it is not known who is there.
    let seen = !snapshot.processes.is_empty();
    let has_kubelet = match (view.is_of_kubernetes(), view.has_kubelet_service()) {
        (true, _) => Some(true),
        // It may have run, or not.
        (false, true) => None,
        (false, false) => Some(false),
    };
    LogContext {
        booted_at: now
            .zip(uptime)
            .map(|(now, uptime)| now.saturating_sub(uptime)),
        has_kubelet: has_kubelet.filter(|_| seen),
        speakers: processes
            .map(|p| Speaker {
                pid: p.pid,
                comm: p.comm.clone(),
                user: p.user,
                in_pods: p.is_in_pods(),
                namespace: match view.owner(p.pid) {
                    Owner::Pod { namespace, .. } if !namespace.is_empty() => {
                        Some(namespace.clone())
                    }
                    _ => None,
                },
            })
            .collect(),
    }
}

fn node(snapshot: &Snapshot) -> Node {
    Node {
        name: snapshot.node.name.clone(),
        kernel: snapshot.node.kernel.clone(),
        cgroup_version: snapshot
            .cgroups
            .as_ref()
            .map_or(CgroupVersion::Unknown, |c| c.version),
    }
}

fn limits(snapshot: &Snapshot) -> Option<InotifyLimits> {
    let limits = snapshot.limits.as_ref()?;
    Some(InotifyLimits {
        max_user_instances: limits.max_user_instances,
        max_user_watches: limits.max_user_watches,
        max_queued_events: limits.max_queued_events,
    })
}
