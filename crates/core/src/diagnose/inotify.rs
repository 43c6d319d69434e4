//! What the inotify rules have in common.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::kind::Kind;
use super::raise::raise;
use super::{pressure, remedy, runtime, words};
use crate::attribute::{Holder, Part, View, below, is_kubelet};
use crate::model::UserKey;
use crate::report::{Finding, Severity, User, percent};

/// How many culprits and victims are named.
const NAMED: usize = 8;
/// The findings for each user whose budget of this kind is under pressure.
pub fn pressed(view: &View, kind: Kind, rule: &str) -> Vec<Finding> {
    let mut users: Vec<(u64, &User)> = view
        .users
        .iter()
        .filter_map(|u| Some((kind.budget(u).percent()?, u)))
        .filter(|(percent, user)| *percent >= pressure::WARNING && kind.budget(user).used > 0)
        .collect();
    users.sort_by_key(|(percent, _)| Reverse(*percent));
    users
        .into_iter()
        .filter_map(|(percent, user)| {
            let severity = pressure::severity(percent)?;
            Some(finding(view, kind, rule, user, severity))
        })
        .collect()
}

fn finding(view: &View, kind: Kind, rule: &str, user: &User, severity: Severity) -> Finding {
    let key = words::key(user);
    let budget = kind.budget(user);
    let holders = top(view, kind, key);
    let culprits = culprits(kind, &holders, budget.used);
    let mut refused = victims(view, key, &holders, culprits);
    let mut remedies = raise(view, kind, user, 0);
    remedies.extend(
        culprits
            .first()
            .and_then(|h| remedy::inspect(view, &h.part)),
    );
    if kind == Kind::Instances && key == UserKey::initial(0) && severity == Severity::Critical {
        remedies.extend(runtime::restart(view));
        refused.extend(runtime::victims(view));
    }
    Finding {
        cause: kind.cause(),
        rule: rule.to_owned(),
        severity,
        subject: words::user(key),
        title: format!(
            "{} has used {} of {} {} ({} %)",
            words::user(key),
            budget.used,
            budget.limit.unwrap_or_default(),
            kind.noun(),
            budget.percent().unwrap_or_default(),
        ),
        evidence: evidence(view, kind, user)
            .into_iter()
            .chain(dominant(view, kind, culprits, budget.limit))
            .collect(),
        victims: refused,
        culprits: culprits.iter().map(|h| words::holder(view, h)).collect(),
        culprit_pods: words::pods(culprits),
        remedies,
    }
}

/// The one that more than half of the limit goes to.
fn dominant(view: &View, kind: Kind, holders: &[Holder], limit: Option<u64>) -> Option<String> {
    let first = holders.first()?;
    let (held, limit) = (kind.of(first), limit?);
    (held > limit / 2).then(|| {
        format!(
            "{} alone holds {} % of the limit ({})",
            words::part(view, &first.part),
            percent(held, limit).unwrap_or_default(),
            words::holders_source(view)
        )
    })
}

/// The figures of one user's budget.
pub fn evidence(view: &View, kind: Kind, user: &User) -> Vec<String> {
    let budget = kind.budget(user);
    let mut lines = vec![format!(
        "{} {} in use ({}); {}",
        budget.used,
        kind.noun(),
        words::inotify_source(budget.provenance),
        match (budget.limit, budget.free()) {
            (Some(limit), Some(0)) => format!("limit {limit}, none left: {}", kind.refusal()),
            (Some(limit), Some(free)) =>
                format!("limit {limit}, {free} left; after those {}", kind.refusal()),
            _ => "limit unknown".to_owned(),
        }
    )];
    let unattributed = match kind {
        Kind::Instances => user.unattributed.instances,
        Kind::Watches => user.unattributed.watches,
    };
    if let Some(hidden) = unattributed.filter(|n| *n > 0) {
        lines.push(format!(
            "{hidden} of them are behind no visible descriptor: in flight over a socket, in io_uring, \
             or held where nospace could not look (exact: the kernel's counter less what is seen)"
        ));
    }
    lines.extend(drawn(view, kind, words::key(user)));
    if let Some(parent) = user.draws_on {
        lines.push(format!(
            "all of it also counts against {}",
            words::user(UserKey {
                user_namespace: parent.user_namespace,
                uid: parent.uid,
            })
        ));
    }
    lines
}

/// What others draw on this user: the kernel charges every ancestor namespace too.
fn drawn(view: &View, kind: Kind, key: UserKey) -> Option<String> {
    let inotify = view.snapshot.inotify.as_ref()?;
    let drawn = inotify
        .instances
        .iter()
        .filter(|i| i.charged != key && below(inotify, i.charged, key));
    let amount: u64 = match kind {
        Kind::Instances => drawn.count() as u64,
        Kind::Watches => drawn.map(|i| u64::from(i.watches)).sum(),
    };
    (amount > 0).then(|| {
        format!(
            "{amount} of them are of child user namespaces that {} created, and count here too ({})",
            words::user(key),
            words::holders_source(view)
        )
    })
}

/// Who holds of this user's budget, those with most first.
pub fn top(view: &View, kind: Kind, key: UserKey) -> Vec<Holder> {
    let mut holders = view.holders(key);
    holders.retain(|h| kind.of(h) > 0);
    holders.sort_by_key(|h| Reverse((kind.of(h), h.instances)));
    holders
}

/// The largest holders: those of the first half of the use, and whoever has a tenth of it.
pub fn culprits(kind: Kind, holders: &[Holder], used: u64) -> &[Holder] {
    let mut before = 0_u64;
    let large = |h: &&Holder| {
        let held = kind.of(h);
        let counts = before.saturating_mul(2) < used || held.saturating_mul(10) >= used;
        before = before.saturating_add(held);
        counts
    };
    let n = holders.iter().take(NAMED).take_while(large).count();
    &holders[..n]
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
        .map(|part| words::part(view, part))
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
            "containerd" | "crio" | "dockerd" => 1,
            "systemd" => 2,
            _ => 5,
        },
        Part::Pod { .. } => 3,
        Part::Container { .. } => 4,
    }
}
