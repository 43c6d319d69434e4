//! One holder that alone takes more than half of a limit, before there is pressure; under pressure
//! the rules of instances and watches name it.

use super::inotify;
use super::kind::Kind;
use super::{pressure, remedy, words};
use crate::attribute::{Holder, Part, View};
use crate::report::{Finding, Severity, User, percent};

pub fn find(view: &View) -> Vec<Finding> {
    let users = view.users.iter();
    users
        .flat_map(|user| Kind::BOTH.map(|kind| dominant(view, kind, user)))
        .flatten()
        .collect()
}

fn dominant(view: &View, kind: Kind, user: &User) -> Option<Finding> {
    let budget = kind.budget(user);
    if budget.percent()? >= pressure::WARNING {
        return None;
    }
    let limit = budget.limit.filter(|limit| budget.used > limit / 2)?;
    let key = words::key(user);
    let holders = inotify::top(view, kind, key);
    let first = holders.first().filter(|h| kind.of(h) > limit / 2)?;
    let held = kind.of(first);
    if !matches!(first.part, Part::Process { .. }) && shared(&holders) {
        return None;
    }
    Some(Finding {
        cause: kind.cause(),
        rule: "dominant-holder".to_owned(),
        severity: Severity::Info,
        subject: words::user(key),
        title: format!(
            "{} alone holds {held} of the {limit} {} of {} ({} %)",
            words::part(view, &first.part),
            kind.noun(),
            words::user(key),
            percent(held, limit).unwrap_or_default(),
        ),
        evidence: std::iter::once(format!(
            "{} ({})",
            words::holder(view, first),
            words::holders_source(view)
        ))
        .chain(inotify::evidence(view, kind, user))
        .collect(),
        culprits: vec![words::holder(view, first)],
        culprit_pods: words::pod(&first.part).into_iter().collect(),
        victims: inotify::victims(view, key, &holders, std::slice::from_ref(first)),
        remedies: remedy::inspect(view, &first.part).into_iter().collect(),
    })
}

/// The rule of shared budgets names the largest too.
fn shared(holders: &[Holder]) -> bool {
    let contained = holders
        .iter()
        .filter(|h| !matches!(h.part, Part::Process { .. }));
    contained.count() > 1
}
