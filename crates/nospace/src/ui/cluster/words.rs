//! What every format of a fleet says in the same words.

use std::time::Duration;

use nospace_core::amount::{duration, thousands};
use nospace_core::fleet::{
    BudgetSummary, Counts, Fleet, FleetFinding, FleetRule, MorePods, Row, STALE_SECONDS,
    WorkloadCost,
};
use nospace_core::model::Provenance;
use nospace_core::report::{NO_CULPRIT, Severity, StartVerdict, Status};

use crate::ui::human::{not_fully_visible, word};
use crate::ui::number;

const MINUTES: u64 = STALE_SECONDS / 60;

/// `10,000 nodes: 3 critical, 12 warning, 40 unknown (38 did not answer), 9,945 OK; 2 NotReady; 1 not checked within 15 min`.
fn counts(counts: Counts) -> String {
    if counts.nodes == 0 {
        return "no such nodes".to_owned();
    }
    let mut said = Vec::new();
    let silent = counts.nodes - counts.answered;
    for (n, what) in [
        (counts.critical, "critical"),
        (counts.warning, "warning"),
        (counts.unknown, "unknown"),
        (counts.ok, "OK"),
    ] {
        if n == 0 {
            continue;
        }
        let mut part = format!("{} {what}", thousands(n));
        if what == "unknown" && silent > 0 {
            part.push_str(&format!(" ({} did not answer)", thousands(silent)));
        }
        said.push(part);
    }
    let nodes = number::count(counts.nodes, "node", "nodes");
    let not_ready = match counts.not_ready {
        0 => String::new(),
        n => format!("; {} NotReady", thousands(n)),
    };
    let stale = match counts.answered.saturating_sub(counts.current) {
        0 => String::new(),
        n => format!("; {} not checked within {MINUTES} min", thousands(n)),
    };
    format!("{nodes}: {}{not_ready}{stale}", said.join(", "))
}

/// The counts, and of an all-clear what it does not cover: `10 nodes: 10 OK; not fully visible: bpf-jit (on 3 nodes)`.
pub fn answer(fleet: &Fleet) -> String {
    let counts = counts(fleet.counts);
    let gaps = &fleet.not_covered;
    let nodes = gaps.nodes;
    if !fleet.status.is_well() || nodes == 0 {
        return counts;
    }
    let causes: Vec<&str> = gaps.causes.iter().map(String::as_str).collect();
    let on = match nodes == fleet.counts.nodes {
        true => String::new(),
        false => format!(" (on {})", number::count(nodes, "node", "nodes")),
    };
    format!("{counts}; {}{on}", not_fully_visible(&causes))
}

/// `context prod, via agents, 2026-01-01T00:00:00Z`.
pub fn origin(fleet: &Fleet) -> String {
    let origin = &fleet.origin;
    let context = origin
        .cluster
        .as_ref()
        .map(|name| format!("context {name}"));
    let selector = origin.selector.as_ref().map(|s| format!("nodes with {s}"));
    let pools = match &origin.pools[..] {
        [] => None,
        [pool] => Some(format!("pool {pool}")),
        pools => Some(format!("pools {}", pools.join(", "))),
    };
    let via = Some(format!("via {}", origin.via));
    let parts = [context, selector, pools, via, Some(origin.taken_at.clone())];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The state in one word; a node that is not ready says so.
pub fn state(row: &Row) -> String {
    match row.ready {
        // Without an answer the reason says so.
        Some(false) if row.summary().is_some() => format!("{} NotReady", word(row.state)),
        _ => word(row.state).to_owned(),
    }
}

/// `inotify-watches 22,829/22,829 uid 0`.
pub fn budget(budget: &BudgetSummary) -> String {
    format!("{} {}", short_budget(budget), budget.caption())
}

/// `inotify-watches 22,829/22,829`, where there is no room for the subject.
pub fn short_budget(budget: &BudgetSummary) -> String {
    let amounts = number::amounts(budget.used, budget.limit, &budget.unit, budget.provenance);
    let unit = format!(" {}", budget.unit);
    let amounts = amounts.strip_suffix(&unit).unwrap_or(&amounts);
    format!("{} {amounts}", budget.cause)
}

/// Who uses the worst budget up, why the node does not answer, or what was not seen; empty where all is well.
pub fn remark(row: &Row) -> String {
    let Some(summary) = row.summary() else {
        return row.failure().map(ToString::to_string).unwrap_or_default();
    };
    let said = match summary.worst() {
        Some(worst) => match (&worst.culprit, &worst.group) {
            (Some(culprit), _) => culprit.clone(),
            (None, Some(group)) => format!("{NO_CULPRIT}: {group}"),
            (None, None) => worst.title.clone(),
        },
        None => summary.unseen.first().cloned().unwrap_or_default(),
    };
    if !row.is_stale() {
        return said;
    }
    let when = match row.age_seconds {
        Some(_) => format!("{} ago", age(row)),
        None => "at an unknown time".to_owned(),
    };
    match said.as_str() {
        "" => format!("{when}: {}", word(summary.state())),
        _ => format!("{when}: {said}"),
    }
}

/// Whether the kubelet would start; an old answer that it would no longer counts.
pub fn kubelet_start(row: &Row) -> Option<StartVerdict> {
    let verdict = row.summary()?.kubelet_start?;
    match verdict {
        StartVerdict::Starts if row.is_stale() => None,
        verdict => Some(verdict),
    }
}

/// The same in words; empty where there is no answer.
pub fn kubelet(row: &Row) -> &'static str {
    if row.summary().is_none() {
        return "";
    }
    match kubelet_start(row) {
        Some(StartVerdict::Starts) => "starts",
        Some(StartVerdict::Barely) => "barely",
        Some(StartVerdict::Fails) => "fails",
        Some(StartVerdict::Unknown) | None => number::UNKNOWN,
    }
}

/// How many more pods fit; empty where there is no answer.
pub fn more_pods(row: &Row) -> String {
    if row.summary().is_none() {
        return String::new();
    }
    match row.current().and_then(|summary| summary.more_pods) {
        None => number::UNKNOWN.to_owned(),
        Some(MorePods { pods: None, .. }) => "any".to_owned(),
        Some(MorePods {
            pods: Some(pods),
            provenance,
            ..
        }) => match provenance {
            // An estimate of the use can be too low: this is an upper bound.
            Provenance::Exact => thousands(pods),
            Provenance::Estimated | Provenance::Unavailable => format!("≤{}", thousands(pods)),
        },
    }
}

/// How old the sample is.
pub fn age(row: &Row) -> String {
    match (row.age_seconds, row.summary()) {
        (Some(age), _) => duration(Duration::from_secs(age)),
        (None, Some(_)) => number::UNKNOWN.to_owned(),
        (None, None) => String::new(),
    }
}

/// A sum over nodes, marked where it may be more.
pub fn sum(cost: &WorkloadCost, value: u64) -> String {
    match cost.at_least {
        true => format!("≥{}", thousands(value)),
        false => thousands(value),
    }
}

/// How bad a finding is, in one word.
pub fn label(finding: &FleetFinding) -> &'static str {
    match (finding.rule, finding.severity) {
        (FleetRule::Unanswered, _) => word(Status::Unknown),
        (_, Severity::Critical) => word(Status::Critical),
        (_, Severity::Warning) => word(Status::Warning),
        (_, Severity::Info) => "INFO",
    }
}

/// Its nodes by name, at most `most` of them, how many more there are, and how old the answers behind it are.
pub fn named(finding: &FleetFinding, most: usize, domain: &str) -> String {
    let names: Vec<&str> = finding
        .nodes
        .iter()
        .take(most)
        .map(|name| name.strip_suffix(domain).unwrap_or(name))
        .collect();
    let more = finding.node_count.saturating_sub(names.len() as u64);
    let mut said = names.join(", ");
    if more > 0 {
        said.push_str(&format!(" and {} more", thousands(more)));
    }
    if let Some(age) = finding.oldest_seconds {
        let age = duration(Duration::from_secs(age));
        said.push_str(&format!(" (answers up to {age} old)"));
    }
    said
}

/// The domain that all nodes have in common, with its dot: it is left out where room is short. Empty where there is none.
pub fn domain(fleet: &Fleet) -> &str {
    let rows = &fleet.rows;
    let of = |row: &'_ Row| row.node.find('.').map(|at| row.node.len() - at);
    let Some((first, length)) = rows.first().and_then(|row| Some((row, of(row)?))) else {
        return "";
    };
    let domain = &first.node[first.node.len() - length..];
    let is_common = rows
        .iter()
        .all(|row| row.node.len() > length && row.node.ends_with(domain));
    if is_common { domain } else { "" }
}

/// How many nodes have a row, if not all of them do.
pub fn listed(fleet: &Fleet) -> Option<String> {
    let (rows, all) = (fleet.rows.len() as u64, fleet.counts.nodes);
    (rows < all).then(|| {
        let nodes = number::count(all, "node", "nodes");
        format!("{} of {nodes} listed (--severity)", thousands(rows))
    })
}

/// Over how many nodes sums go.
pub fn reach(counts: Counts) -> String {
    format!(
        "over the {} of {} checked within {MINUTES} min",
        thousands(counts.current),
        number::count(counts.nodes, "node", "nodes")
    )
}
