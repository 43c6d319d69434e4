//! One holder that alone takes more than half of a limit, before there is pressure; under pressure
//! the rules of instances and watches name it.

use crate::amount::thousands;
use crate::attribute::{Holder, Part, View};
use crate::limits::{blame, inotify};
use crate::limits::{describe, remedy};
use crate::model::InotifyResource;
use crate::report::{Finding, Rule, Severity, User, percent, thresholds};

pub fn find(view: &View) -> Vec<Finding> {
    let users = view.users.iter();
    users
        .flat_map(|user| InotifyResource::BOTH.map(|resource| dominant(view, resource, user)))
        .flatten()
        .collect()
}

fn dominant(view: &View, resource: InotifyResource, user: &User) -> Option<Finding> {
    let budget = user.budget(resource);
    if budget.percent()? >= thresholds::WARNING_PERCENT {
        return None;
    }
    let limit = budget.limit.filter(|limit| budget.used > limit / 2)?;
    let key = user.key();
    let holders = inotify::top(view, resource, key);
    let first = holders.first().filter(|h| h.holds[resource] > limit / 2)?;
    let held = first.holds[resource];
    if !matches!(first.part, Part::Process { .. }) && shared(&holders) {
        return None;
    }
    Some(Finding {
        cause: resource.cause(),
        rule: Rule::DominantHolder,
        severity: Severity::Info,
        subject: user.subject(),
        title: format!(
            "{} alone holds {} of the {} {} of {} ({} %)",
            describe::part(view, &first.part),
            thousands(held),
            thousands(limit),
            resource.noun_of(limit),
            view.caption(&user.subject()),
            percent(held, limit).unwrap_or_default(),
        ),
        evidence: std::iter::once(format!(
            "{} ({})",
            describe::holder(view, first),
            describe::holders_source(view)
        ))
        .chain(inotify::evidence(view, resource, user))
        .collect(),
        blame: blame::of_inotify(view, resource, key, &holders, limit),
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
