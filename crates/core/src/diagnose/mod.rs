//! What is wrong: one rule a file, pure functions over the attributed snapshot.

mod blind;
mod cgroup_limit;
mod child_limits;
mod disk;
mod dominant_holder;
mod epoll;
pub(crate) mod inotify;
mod inotify_instances;
#[cfg(test)]
mod inotify_tests;
mod inotify_watches;
mod keys;
mod kind;
mod kubelet_start;
mod leaked_instances;
mod mounts;
mod namespaces;
mod pids;
mod pressure;
mod process_files;
mod raise;
mod remedy;
#[cfg(test)]
mod remedy_tests;
#[cfg(test)]
mod resources_tests;
mod runtime;
mod shared_budget;
mod sysctl_drift;
mod system_files;
mod sysv;
pub(crate) mod words;

use std::cmp::Reverse;

pub(crate) use kind::Kind;
pub(crate) use pressure::WARNING;
pub(crate) use raise::raise;
pub use remedy::quote;
pub(crate) use remedy::roomy;

use crate::attribute::View;
use crate::cause::Cause;
use crate::report::{Finding, Forecast};

/// Looks at one thing, and says what is wrong with it, the worst first.
type Rule = fn(&View) -> Vec<Finding>;

/// Every rule; of two findings as bad as each other, the earlier rule's matters more.
const RULES: &[Rule] = &[
    kubelet_start::find,
    inotify_instances::find,
    inotify_watches::find,
    cgroup_limit::find,
    disk::find,
    pids::find,
    system_files::find,
    process_files::find,
    mounts::find,
    namespaces::find,
    keys::find,
    sysv::find,
    epoll::find,
    shared_budget::find,
    dominant_holder::find,
    leaked_instances::find,
    sysctl_drift::find,
    child_limits::find,
    blind::find,
];

/// What is wrong with the node, most important first.
#[must_use]
pub fn findings(view: &View) -> Vec<Finding> {
    with(view, Vec::new())
}

/// The same with what somebody else found, who looked at more than one look.
#[must_use]
pub fn with(view: &View, more: Vec<Finding>) -> Vec<Finding> {
    let of_rules = RULES.iter().flat_map(|rule| rule(view));
    let mut findings: Vec<Finding> = of_rules.chain(more).collect();
    findings.sort_by_key(|f| Reverse(f.severity));
    findings
}

/// What the rules would say of a budget if it were full, and all else were well.
pub(crate) fn when_full(view: &View, cause: Cause, subject: &str, unit: &str) -> Option<Finding> {
    let mut then = view.clone();
    then.forecast = Forecast::default();
    then.users
        .retain(|user| words::user(words::key(user)) == subject);
    for user in &mut then.users {
        for kind in Kind::BOTH {
            let budget = kind.budget_mut(user);
            budget.used = budget.limit.filter(|_| kind.cause() == cause).unwrap_or(0);
        }
    }
    then.resources
        .retain(|r| r.cause == cause && r.subject == subject && r.unit == unit);
    for resource in &mut then.resources {
        resource.used = resource.limit;
    }
    let mut all = RULES.iter().flat_map(|rule| rule(&then));
    all.find(|found| found.cause == cause && found.subject == subject)
}
