use crate::attribute::View;
use crate::diagnose;
use crate::limits::{self, LIMITS};
use crate::model::{CgroupVersion, Snapshot};
use crate::report::{Finding, InotifyLimits, Node, Report, SCHEMA_VERSION};

/// What a look at a node means: whose everything is, what is wrong, what to do.
#[must_use]
pub fn conclude(snapshot: &Snapshot) -> Report {
    conclude_with(view(snapshot), Vec::new())
}

/// A snapshot with owners and budgets worked out: what the rules read.
#[must_use]
pub fn view(snapshot: &Snapshot) -> View<'_> {
    View::new(snapshot, limits::usage(snapshot))
}

/// The same with findings of somebody who looked at more than this look.
#[must_use]
pub fn conclude_with(view: View<'_>, more: Vec<Finding>) -> Report {
    let findings = diagnose::findings(&view, more);
    let snapshot = view.snapshot;
    Report {
        schema_version: SCHEMA_VERSION,
        taken_at: snapshot.taken_at.clone(),
        node: node(snapshot),
        collectors: snapshot.collectors.clone(),
        limits: limits(snapshot),
        users: view.users,
        processes: view.processes,
        pods: view.pods,
        containers: view.containers,
        resources: view.resources,
        forecast: view.forecast,
        findings,
        required: required(snapshot),
    }
}

/// inotify, and every other collector that a limit is read by, as far as it ran.
fn required(snapshot: &Snapshot) -> Vec<String> {
    let read_by = |name: &str| LIMITS.iter().any(|limit| limit.collector == Some(name));
    let runs = snapshot.collectors.iter().map(|run| run.name.as_str());
    let others = runs.filter(|name| *name != "inotify" && read_by(name));
    let all = std::iter::once("inotify").chain(others);
    all.map(str::to_owned).collect()
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
