//! A process with many instances that watch nothing: each takes a place, and does no work.

use crate::amount::thousands;
use crate::attribute::{Part, View};
use crate::limits::inotify;
use crate::limits::{describe, remedy};
use crate::model::{InotifyResource, UserKey};
use crate::report::{Blame, Culprit, Finding, ProcessUse, Rule, Severity, Share, thresholds};

/// Fewer than this are ordinary: a runtime opens an instance before it has anything to watch.
const MANY: u64 = 10;

pub fn find(view: &View) -> Vec<Finding> {
    let mut leaking: Vec<&ProcessUse> = view
        .processes
        .iter()
        .filter(|p| p.empty_instances >= MANY && p.empty_instances * 2 >= p.instances)
        .collect();
    leaking.sort_by_key(|p| std::cmp::Reverse(p.empty_instances));
    leaking.into_iter().map(|p| finding(view, p)).collect()
}

fn finding(view: &View, process: &ProcessUse) -> Finding {
    let part = view.part(process.pid);
    let name = describe::process(view, process.pid);
    let remedies = remedy::inspect(view, &part).into_iter().collect();
    let key = UserKey::from(process.charged);
    Finding {
        cause: InotifyResource::Instances.cause(),
        rule: Rule::LeakedInstances,
        severity: severity(view, key, process.empty_instances),
        subject: describe::subject(view, process.pid),
        title: format!(
            "{name} holds {} {} without a single watch",
            thousands(process.empty_instances),
            InotifyResource::Instances.noun_of(process.empty_instances)
        ),
        evidence: view
            .user(key)
            .map(|user| inotify::evidence(view, InotifyResource::Instances, user))
            .into_iter()
            .flatten()
            .chain([format!(
                "{} of the {} instances of {name} watch nothing ({})",
                thousands(process.empty_instances),
                thousands(process.instances),
                describe::holders_source(view)
            )])
            .collect(),
        blame: blame(view, process, key, &part),
        victims: Vec::new(),
        remedies,
    }
}

/// To blame only where the leak is a large part of the limit.
fn blame(view: &View, process: &ProcessUse, key: UserKey, part: &Part) -> Blame {
    let name = describe::process(view, process.pid);
    let share = Share {
        held: process.empty_instances,
        culprit: match part {
            Part::Process { .. } => Culprit::named(name),
            _ => Culprit::with_amount(describe::part(view, part), name),
        },
        pod: describe::pod(part),
    };
    let budget = view
        .user(key)
        .map_or(u64::MAX, |user| user.instances.size());
    Blame::of(budget, vec![share], Vec::new)
}

/// A warning where it matters: under pressure, or a quarter of the limit.
fn severity(view: &View, key: UserKey, empty: u64) -> Severity {
    let matters = view.user(key).is_some_and(|user| {
        let limit = user.instances.limit;
        user.instances.percent() >= Some(thresholds::WARNING_PERCENT)
            || limit.is_some_and(|limit| empty >= limit / 4)
    });
    if matters {
        Severity::Warning
    } else {
        Severity::Info
    }
}
