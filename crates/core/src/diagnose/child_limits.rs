//! User namespaces whose own limits /proc does not show: one that is full looks like any other.

use crate::amount::thousands;
use crate::attribute::View;
use crate::limits::describe;
use crate::limits::inotify::top;
use crate::limits::remedy::remedy;
use crate::model::InotifyResource;
use crate::report::{Blame, Finding, Remedy, Rule, Severity, Subject, User};

/// How many namespaces are named.
const NAMED: usize = 8;

pub fn find(view: &View) -> Vec<Finding> {
    if view.snapshot.limits.is_none() {
        return Vec::new();
    }
    let mut users: Vec<&User> = view
        .users
        .iter()
        .filter(|u| u.instances.limit.is_none() && u.instances.used > 0)
        .collect();
    users.sort_by_key(|u| u.user_namespace);
    users.dedup_by_key(|u| u.user_namespace);
    if users.is_empty() {
        return Vec::new();
    }
    vec![finding(view, &users)]
}

fn finding(view: &View, users: &[&User]) -> Finding {
    let evidence = |user: &&User| {
        format!(
            "{}: {} instances and {} watches in use ({}), limits unknown",
            user.key(),
            thousands(user.instances.used),
            thousands(user.watches.used),
            describe::inotify_source(user.instances.provenance),
        )
    };
    Finding {
        cause: InotifyResource::Watches.cause(),
        rule: Rule::ChildLimits,
        severity: Severity::Info,
        subject: Subject::None,
        title: format!(
            "{} own limits, which /proc does not show",
            describe::count(
                users.len() as u64,
                "user namespace may have its",
                "user namespaces may have their"
            )
        ),
        evidence: users.iter().take(NAMED).map(evidence).collect(),
        blame: Blame::Unknown,
        victims: Vec::new(),
        remedies: users
            .iter()
            .take(NAMED)
            .filter_map(|u| ask(view, u))
            .collect(),
    }
}

/// Only a process inside can read them.
fn ask(view: &View, user: &User) -> Option<Remedy> {
    let holder = top(view, InotifyResource::Instances, user.key())
        .into_iter()
        .next()?;
    let pid = holder.pids.first()?;
    Some(remedy(
        format!("nsenter -t {pid} -U sysctl user.max_inotify_instances user.max_inotify_watches"),
        "Reads the limits that hold inside; changes nothing. With eBPF nospace reads them itself.",
    ))
}
