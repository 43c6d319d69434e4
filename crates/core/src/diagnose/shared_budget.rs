//! Pods and containers that share one user's budget, where that begins to matter.

use super::inotify;
use super::kind::Kind;
use super::{pressure, remedy, words};
use crate::attribute::{Holder, Part, View};
use crate::report::{Finding, Remedy, Severity, User};

/// Where a pod says which user it runs as.
const FIELDS: &str = "'{.spec.securityContext} {.spec.containers[*].securityContext}'";

pub fn find(view: &View) -> Vec<Finding> {
    let users = view.users.iter();
    users
        .flat_map(|user| Kind::BOTH.map(|kind| shared(view, kind, user)))
        .flatten()
        .collect()
}

fn shared(view: &View, kind: Kind, user: &User) -> Option<Finding> {
    let budget = kind.budget(user);
    let (limit, percent) = (budget.limit?, budget.percent()?);
    let half = limit / 2;
    if percent < pressure::WARNING && budget.used <= half {
        return None;
    }
    let key = words::key(user);
    let all = inotify::top(view, kind, key);
    let contained = |h: &&Holder| !matches!(h.part, Part::Process { .. });
    let holders: Vec<&Holder> = all.iter().filter(contained).collect();
    let [first, second, ..] = holders.as_slice() else {
        return None;
    };
    // Under pressure whoever holds a tenth matters, else only who holds most.
    let matters = if percent < pressure::WARNING {
        kind.of(first) > half
    } else {
        kind.of(first) >= limit / 10
    };
    if !matters {
        return None;
    }
    Some(Finding {
        cause: kind.cause(),
        rule: "shared-budget".to_owned(),
        severity: severity(percent),
        subject: words::user(key),
        title: format!(
            "{} pods and containers share the {limit} {} of {}; {} holds {}",
            holders.len(),
            kind.noun(),
            words::user(key),
            words::part(view, &first.part),
            kind.of(first),
        ),
        evidence: evidence(view, kind, user, &holders),
        culprits: vec![words::holder(view, first)],
        culprit_pods: words::pod(&first.part).into_iter().collect(),
        victims: inotify::victims(view, key, &all, std::slice::from_ref(first)),
        remedies: remedies(view, first, second),
    })
}

fn severity(percent: u64) -> Severity {
    if percent < pressure::WARNING {
        Severity::Info
    } else {
        Severity::Warning
    }
}

fn evidence(view: &View, kind: Kind, user: &User, holders: &[&Holder]) -> Vec<String> {
    let mut lines = inotify::evidence(view, kind, user);
    let named = holders
        .iter()
        .map(|h| format!("{} {}", words::part(view, &h.part), kind.of(h)))
        .collect();
    lines.push(format!(
        "{} by pod and container: {} ({})",
        kind.noun(),
        words::list(named, 8),
        words::holders_source(view)
    ));
    lines
}

/// A uid of its own is a budget of its own; `hostUsers: false` is not, it draws on the creator too.
fn remedies(view: &View, first: &Holder, second: &Holder) -> Vec<Remedy> {
    let spec = |h: &Holder| match &h.part {
        Part::Pod {
            namespace, name, ..
        } if !name.is_empty() => Some(remedy::remedy(
            format!("{} -o jsonpath={FIELDS}", remedy::get_pod(namespace, name)?),
            "Shows the user that it runs as: with a runAsUser that no other pod uses it has a budget of its own.",
        )),
        _ => None,
    };
    spec(first)
        .or_else(|| spec(second))
        .or_else(|| remedy::inspect(view, &first.part))
        .into_iter()
        .collect()
}
