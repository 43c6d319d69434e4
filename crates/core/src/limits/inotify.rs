//! What the inotify rules have in common.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::raise::raise;
use super::{blame, describe, remedy, runtime};
use crate::amount::thousands;
use crate::attribute::{Holder, Part, View, below, chain, find};
use crate::managers::is_kubelet;
use crate::model::{Guard, InotifyResource, UserKey};
use crate::report::{
    Blame, Finding, GuardLine, Rule, Severity, User, is_culprit, percent, thresholds,
};
use crate::runtimes::RUNTIMES;

/// How many victims are named.
const NAMED: usize = 8;
/// The findings for each user whose budget of this kind is under pressure.
pub fn pressed(view: &View, resource: InotifyResource) -> Vec<Finding> {
    let mut users: Vec<(u64, &User)> = view
        .users
        .iter()
        .filter_map(|u| Some((u.budget(resource).percent()?, u)))
        .filter(|(_, user)| !is_bound_above(view, resource, user))
        .filter(|(percent, user)| {
            if line(view, resource, user).is_some() {
                return true;
            }
            // A limit of 0 refuses only those who ask: that they want watches shows in their instances.
            let is_used = InotifyResource::BOTH
                .iter()
                .any(|one| user.budget(*one).used > 0);
            *percent >= thresholds::WARNING_PERCENT && is_used
        })
        .collect();
    users.sort_by_key(|(percent, _)| Reverse(*percent));
    users
        .into_iter()
        .filter_map(|(percent, user)| {
            let severity = thresholds::severity(percent);
            match line(view, resource, user) {
                // As long as the node has the reserve, only pods are refused, however full the budget is.
                Some(line) if severity != Some(Severity::Critical) || line.is_intact() => {
                    Some(reserve(view, user, line))
                }
                _ => Some(exhausted(view, resource, user, severity?)),
            }
        })
        .collect()
}

/// Whether `user` gets what a user above its namespace has left. That one is at least as full, has the finding, and is the one to raise.
fn is_bound_above(view: &View, resource: InotifyResource, user: &User) -> bool {
    let Some(inotify) = view.snapshot.inotify.as_ref() else {
        return false;
    };
    let left = user.budget(resource).free();
    let above = chain(inotify, user.key()).into_iter().skip(1);
    above
        .filter_map(|key| find(&view.users, key))
        .any(|above| left.is_some() && above.budget(resource).free() == left)
}

/// Up to where pods may use the budget of `user`, where that is under pressure.
fn line<'a>(view: &'a View, resource: InotifyResource, user: &User) -> Option<GuardLine<'a>> {
    let line = GuardLine::of(view.snapshot.guards.as_ref(), user, resource)?;
    (line.percent() >= thresholds::WARNING_PERCENT).then_some(line)
}

/// Pods have no room, or little, for a guard keeps the rest.
fn reserve(view: &View, user: &User, line: GuardLine) -> Finding {
    let resource = line.resource;
    let severity = thresholds::severity(line.percent()).unwrap_or(Severity::Warning);
    let mut finding = finding(view, resource, user, severity);
    let who = view.caption(&user.subject());
    finding.rule = Rule::GuardReserve;
    finding.title = if line.is_reached() {
        format!(
            "Pods get no more {}: {who} has used {}, and {}",
            resource.noun(),
            thousands(line.used),
            line.words()
        )
    } else {
        format!(
            "{who} has used {} of the {} {} that pods may use ({} %): {}",
            thousands(line.used),
            thousands(line.at()),
            resource.noun_of(line.at()),
            line.percent(),
            line.words()
        )
    };
    let exempt = match line.guard.exempt_namespaces.len() {
        0 => String::new(),
        _ => format!(
            " (not those of {})",
            line.guard.exempt_namespaces.join(", ")
        ),
    };
    finding.evidence.insert(
        1,
        format!(
            "at {} in use the guard refuses pods{exempt}: {}; it ends with its process",
            thousands(line.at()),
            resource.refusal()
        ),
    );
    finding.victims = pods(view, user.key(), line.guard);
    finding
}

/// Pods that are refused, or would be.
fn pods(view: &View, key: UserKey, guard: &Guard) -> Vec<String> {
    let holders = view.holders(key);
    let is_pod = |part: &&Part| match part {
        Part::Pod { namespace, .. } => guard.holds_for(namespace) != Some(false),
        _ => false,
    };
    let parts: BTreeSet<&Part> = holders.iter().map(|one| &one.part).filter(is_pod).collect();
    let more = parts.len().saturating_sub(NAMED);
    let named = parts.iter().take(NAMED);
    let mut names: Vec<String> = named.map(|part| describe::part(view, part)).collect();
    if more > 0 {
        names.push(format!("{more} more"));
    }
    names
}

/// Everyone is refused, or nearly.
fn exhausted(view: &View, resource: InotifyResource, user: &User, severity: Severity) -> Finding {
    let mut finding = finding(view, resource, user, severity);
    if user.key() == UserKey::initial(0) && severity == Severity::Critical {
        finding.remedies.extend(runtime::restarts(view, resource));
        if resource == InotifyResource::Instances {
            finding.victims.extend(runtime::victims(view));
        }
    }
    finding
}

fn finding(view: &View, resource: InotifyResource, user: &User, severity: Severity) -> Finding {
    let key = user.key();
    let budget = user.budget(resource);
    let holders = top(view, resource, key);
    let culprits = culprits(resource, &holders, budget.size());
    let refused = victims(view, key, &holders, culprits);
    let mut remedies = raise(view, resource, user, 0);
    remedies.extend(
        culprits
            .first()
            .and_then(|h| remedy::inspect(view, &h.part)),
    );
    let blame = blame::of_inotify(view, resource, key, &holders, budget.size());
    let too_low = matches!(blame, Blame::Groups(_)).then(|| {
        "no holder has a quarter of the limit: it is too low for all of them together".to_owned()
    });
    Finding {
        cause: resource.cause(),
        rule: Rule::Exhaustion(resource.cause()),
        severity,
        subject: user.subject(),
        title: format!(
            "{} has used {} of {} {} ({} %)",
            view.caption(&user.subject()),
            thousands(budget.used),
            thousands(budget.limit.unwrap_or_default()),
            resource.noun_of(budget.limit.unwrap_or_default()),
            budget.percent().unwrap_or_default(),
        ),
        evidence: evidence(view, resource, user)
            .into_iter()
            .chain(dominant(view, resource, &holders, budget.limit))
            .chain(too_low)
            .collect(),
        victims: refused,
        blame,
        remedies,
    }
}

/// The one that more than half of the limit goes to.
fn dominant(
    view: &View,
    resource: InotifyResource,
    holders: &[Holder],
    limit: Option<u64>,
) -> Option<String> {
    let first = holders.first()?;
    let (held, limit) = (first.holds[resource], limit?);
    (held > limit / 2).then(|| {
        format!(
            "{} alone holds {} % of the limit ({})",
            describe::part(view, &first.part),
            percent(held, limit).unwrap_or_default(),
            describe::holders_source(view)
        )
    })
}

/// The figures of one user's budget.
pub fn evidence(view: &View, resource: InotifyResource, user: &User) -> Vec<String> {
    let budget = user.budget(resource);
    let mut lines = vec![format!(
        "{} {} in use ({}); {}",
        thousands(budget.used),
        resource.noun_of(budget.used),
        describe::inotify_source(budget.provenance),
        match (budget.limit, budget.free()) {
            (Some(limit), Some(0)) => format!(
                "limit {}, none left: {}",
                thousands(limit),
                resource.refusal()
            ),
            (Some(limit), Some(free)) => format!(
                "limit {}, {} left; after those {}",
                thousands(limit),
                thousands(free),
                resource.refusal()
            ),
            _ => "limit unknown".to_owned(),
        }
    )];
    if let Some(hidden) = user.unattributed.pair()[resource].filter(|n| *n > 0) {
        lines.push(format!(
            "{} of these have no visible holder: in flight over a socket, in io_uring, \
             or held where nospace could not look (exact: the kernel's counter less what is seen)",
            thousands(hidden)
        ));
    }
    lines.extend(drawn(view, resource, user.key()));
    if let Some(parent) = user.draws_on {
        lines.push(format!(
            "all of it is also counted against {}",
            UserKey::from(parent)
        ));
    }
    lines
}

/// What others draw on this user: the kernel charges every ancestor namespace too.
fn drawn(view: &View, resource: InotifyResource, key: UserKey) -> Option<String> {
    let inotify = view.snapshot.inotify.as_ref()?;
    let drawn = inotify
        .instances
        .iter()
        .filter(|i| i.charged != key && below(inotify, i.charged, key));
    let amount: u64 = match resource {
        InotifyResource::Instances => drawn.count() as u64,
        InotifyResource::Watches => drawn.map(|i| u64::from(i.watches)).sum(),
    };
    (amount > 0).then(|| {
        format!(
            "{} of them belong to child user namespaces that {} created, and count here too ({})",
            thousands(amount),
            key,
            describe::holders_source(view)
        )
    })
}

/// Who holds of this user's budget, those with most first.
pub fn top(view: &View, resource: InotifyResource, key: UserKey) -> Vec<Holder> {
    let mut holders = view.holders(key);
    holders.retain(|h| h.holds[resource] > 0);
    holders.sort_by_key(|h| Reverse((h.holds[resource], h.holds.instances)));
    holders
}

/// Those of the holders, the largest first, that are culprits in a budget of this size.
fn culprits(resource: InotifyResource, holders: &[Holder], budget: u64) -> &[Holder] {
    let guilty = |h: &&Holder| is_culprit(h.holds[resource], budget);
    &holders[..holders.iter().take_while(guilty).count()]
}

/// The others who share the budget, and would be refused; those that a node cannot do without first.
pub fn victims(view: &View, key: UserKey, holders: &[Holder], culprits: &[Holder]) -> Vec<String> {
    let Some(inotify) = &view.snapshot.inotify else {
        return Vec::new();
    };
    let processes = &view.snapshot.processes;
    let now = processes
        .iter()
        .filter(|p| below(inotify, p.user, key))
        .map(|p| view.part(p.pid));
    let parts: BTreeSet<Part> = now
        .chain(holders.iter().map(|h| h.part.clone()))
        .filter(|part| culprits.iter().all(|c| c.part != *part))
        .collect();
    let mut parts: Vec<Part> = parts.into_iter().collect();
    parts.sort_by_key(|part| rank(view, part));
    let more = parts.len().saturating_sub(NAMED);
    let mut names: Vec<String> = parts
        .iter()
        .take(NAMED)
        .map(|part| describe::part(view, part))
        .collect();
    if more > 0 {
        names.push(format!("{more} more"));
    }
    names
}

/// Node daemons, then pods, then containers, then the rest.
fn rank(view: &View, part: &Part) -> u8 {
    match part {
        Part::Process { pid } => match view.process(*pid).map_or("", |p| p.comm.as_str()) {
            comm if is_kubelet(comm) => 0,
            comm if RUNTIMES.iter().any(|d| d.daemon == Some(comm)) => 1,
            "systemd" => 2,
            _ => 5,
        },
        Part::Pod { .. } => 3,
        Part::Container { .. } => 4,
    }
}
