//! What is wrong: the limits' own findings, and the rules that look across limits, one a file. All of them
//! are pure functions over the attributed snapshot.

mod alike;
mod blind;
mod child_limits;
#[cfg(test)]
mod child_namespace_tests;
mod dominant_holder;
#[cfg(test)]
mod guard_tests;
#[cfg(test)]
mod inotify_tests;
mod kubelet_start;
mod leaked_instances;
#[cfg(test)]
mod pids_tests;
#[cfg(test)]
mod resources_tests;
mod shared_budget;
mod sysctl_drift;
#[cfg(test)]
mod sysctl_drift_tests;

use std::cmp::Reverse;

use crate::attribute::View;
use crate::cause::Cause;
use crate::limits::LIMITS;
use crate::model::InotifyResource;
use crate::report::{self, Finding, Forecast, Subject};

/// Looks at one thing, and says what is wrong with it, the worst first.
type Rule = fn(&View) -> Vec<Finding>;

/// The limits whose findings matter most, before all others; of two findings as bad as each other the earlier comes first.
const FIRST: [Cause; 9] = [
    Cause::InotifyInstances,
    Cause::InotifyWatches,
    Cause::CgroupLimit,
    Cause::DiskBlocks,
    Cause::DiskInodes,
    Cause::DevShm,
    Cause::Pids,
    Cause::SystemFiles,
    Cause::ProcessFiles,
];

/// Rules that look across limits, after the limits' own.
const RULES: [Rule; 6] = [
    shared_budget::find,
    dominant_holder::find,
    leaked_instances::find,
    sysctl_drift::find,
    child_limits::find,
    blind::find,
];

/// Every rule, in the order in which its findings matter.
fn rules() -> impl Iterator<Item = Rule> {
    let first = FIRST.map(|cause| crate::limits::of(cause).findings);
    let others = LIMITS.iter().filter(|limit| !FIRST.contains(&limit.cause));
    std::iter::once(kubelet_start::find as Rule)
        .chain(first)
        .chain(others.map(|limit| limit.findings))
        .chain(RULES)
}

/// What is wrong with the node, most important first, with `more` that was found by looking at more than one snapshot.
#[must_use]
pub fn findings(view: &View, more: Vec<Finding>) -> Vec<Finding> {
    let of_rules = rules().flat_map(|rule| rule(view));
    let mut findings = alike::merge(of_rules.chain(more).collect());
    findings.sort_by_key(|f| (Reverse(f.severity), place(f)));
    findings
}

/// Where a finding stands among those as bad as it. That a limit will be used up soon matters as much as that it is.
fn place(finding: &Finding) -> usize {
    use report::Rule;
    let of_limit = || FIRST.iter().position(|cause| *cause == finding.cause);
    match finding.rule {
        Rule::KubeletStart => 0,
        Rule::Exhaustion(_)
        | Rule::CgroupDescendants
        | Rule::CgroupLeak
        | Rule::PidsRefused
        | Rule::GuardReserve
        | Rule::Growth => 1 + of_limit().unwrap_or(FIRST.len()),
        _ => 2 + FIRST.len(),
    }
}

/// What the rules would say of a budget if it were full, and all else were well.
pub(crate) fn when_full(
    view: &View,
    cause: Cause,
    subject: &Subject,
    unit: &str,
) -> Option<Finding> {
    let mut then = view.clone();
    then.forecast = Forecast::default();
    then.users.retain(|user| user.subject() == *subject);
    for user in &mut then.users {
        for resource in InotifyResource::BOTH {
            let budget = user.budget_mut(resource);
            let full = budget.limit.filter(|_| resource.cause() == cause);
            budget.used = full.unwrap_or(0);
        }
    }
    then.resources
        .retain(|r| r.cause == cause && r.subject == *subject && r.unit == unit);
    for resource in &mut then.resources {
        resource.used = resource.limit;
    }
    let mut all = rules().flat_map(|rule| rule(&then));
    all.find(|found| found.cause == cause && found.subject == *subject)
}
