//! A process with many instances that watch nothing: each takes a place, and does no work.

use super::inotify;
use super::kind::Kind;
use super::{pressure, remedy, words};
use crate::attribute::{Part, View};
use crate::model::UserKey;
use crate::report::{Finding, ProcessUse, Severity};

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
    let name = words::process(view, process.pid);
    let remedies = remedy::inspect(view, &part).into_iter().collect();
    let key = UserKey {
        user_namespace: process.charged.user_namespace,
        uid: process.charged.uid,
    };
    Finding {
        cause: Kind::Instances.cause(),
        rule: "leaked-instances".to_owned(),
        severity: severity(view, key, process.empty_instances),
        subject: name.clone(),
        title: format!(
            "{name} holds {} inotify instances without a single watch",
            process.empty_instances
        ),
        evidence: view
            .user(key)
            .map(|user| inotify::evidence(view, Kind::Instances, user))
            .into_iter()
            .flatten()
            .chain([format!(
                "{} of the {} instances of {name} watch nothing ({})",
                process.empty_instances,
                process.instances,
                words::holders_source(view)
            )])
            .collect(),
        culprit_pods: words::pod(&part).into_iter().collect(),
        culprits: vec![match part {
            Part::Process { .. } => name,
            _ => format!("{}: {name}", words::part(view, &part)),
        }],
        victims: Vec::new(),
        remedies,
    }
}

/// A warning where it matters: under pressure, or a quarter of the limit.
fn severity(view: &View, key: UserKey, empty: u64) -> Severity {
    let matters = view.user(key).is_some_and(|user| {
        let limit = user.instances.limit;
        user.instances.percent() >= Some(pressure::WARNING)
            || limit.is_some_and(|limit| empty >= limit / 4)
    });
    if matters {
        Severity::Warning
    } else {
        Severity::Info
    }
}
