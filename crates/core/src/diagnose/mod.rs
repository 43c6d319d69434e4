//! What is wrong: one rule a file, pure functions over the attributed snapshot.

mod blind;
mod cgroup_limit;
mod child_limits;
mod disk;
mod dominant_holder;
mod epoll;
mod inotify;
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
use crate::report::Finding;

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
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(view)).collect();
    findings.sort_by_key(|f| Reverse(f.severity));
    findings
}
