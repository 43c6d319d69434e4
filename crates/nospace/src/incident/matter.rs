//! Which budgets, workloads and events are worth showing.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use nospace_core::cause::Cause;
use nospace_core::model::{InotifyResource, Subject};
use nospace_core::report::{Finding, Report, Rule, Severity, budget_name, percent};

use super::{Event, Holder, Kind, Series};

/// Events that are listed.
const MAX_EVENTS: usize = 40;
/// Budgets and workloads that are shown.
const MAX_BUDGETS: usize = 8;
const MAX_HOLDERS: usize = 12;
/// A budget that was this full is shown, in percent; or if its use changed by that share of its limit.
const FULL: u64 = 50;
const CHANGED: u64 = 5;

/// The name of a budget, told from others of the same cause and subject.
pub fn with_unit(cause: Cause, subject: &Subject, unit: &str) -> String {
    captioned(cause, &subject.to_string(), unit)
}

/// The same of a subject that is named as people know it.
pub fn captioned(cause: Cause, subject: &str, unit: &str) -> String {
    let name = budget_name(cause, subject);
    match InotifyResource::of_cause(cause) {
        Some(_) => name,
        None => format!("{name} ({unit})"),
    }
}

/// The budgets that matter, the fullest first, by their captions where they have some.
pub fn budgets(
    all: impl Iterator<Item = Series>,
    captions: &BTreeMap<String, String>,
    report: &Report,
) -> Vec<Series> {
    let of_users: Vec<String> = report
        .users
        .iter()
        .take(1)
        .flat_map(|user| {
            let subject = user.subject().to_string();
            InotifyResource::BOTH.map(|r| budget_name(r.cause(), &subject))
        })
        .collect();
    // What a finding speaks of comes first, however much of it is used: it may grow.
    let found: Vec<String> = report
        .findings
        .iter()
        .filter(|found| is_news(found))
        .map(|found| budget_name(found.cause, &found.subject.to_string()))
        .collect();
    let is_found = |series: &Series| {
        found.iter().any(|name| {
            let unit = series.name.strip_prefix(name.as_str());
            unit.is_some_and(|unit| unit.is_empty() || unit.starts_with(" ("))
        })
    };
    let mut budgets: Vec<Series> = all
        .filter(|series| of_users.contains(&series.name) || is_found(series) || matters(series))
        .collect();
    budgets.sort_by_key(|series| {
        let peak = series.peak().map(|(percent, _)| percent);
        Reverse((is_found(series), peak))
    });
    budgets.truncate(MAX_BUDGETS);
    for series in &mut budgets {
        if let Some(caption) = captions.get(&series.name) {
            series.name.clone_from(caption);
        }
    }
    budgets
}

fn matters(series: &Series) -> bool {
    let used = || series.points.iter().map(|point| point.used);
    let changed = used()
        .max()
        .zip(used().min())
        .map_or(0, |(most, least)| most - least);
    let limit = series.points.iter().filter_map(|point| point.limit).min();
    let changed = limit.and_then(|limit| percent(changed, limit));
    series.peak().is_some_and(|(percent, _)| percent >= FULL)
        || changed.is_some_and(|percent| percent >= CHANGED)
}

/// The workloads that held most of either resource, beside the others.
pub fn workloads(all: impl Iterator<Item = Holder>) -> Vec<Holder> {
    let mut workloads: Vec<Holder> = all.collect();
    let sums = InotifyResource::BOTH.map(|resource| {
        let sum: u64 = workloads.iter().map(|holder| holder.most(resource)).sum();
        (resource, sum)
    });
    let share = |holder: &Holder| {
        let shares = sums.map(|(resource, sum)| holder.most(resource) * 1000 / sum.max(1));
        shares.into_iter().max()
    };
    workloads.sort_by_cached_key(|holder| Reverse(share(holder)));
    workloads.truncate(MAX_HOLDERS);
    workloads
}

/// The events that are listed, and how many are not. What is neither better nor worse goes first.
pub fn events(mut events: Vec<Event>) -> (Vec<Event>, usize) {
    let omitted = events.len().saturating_sub(MAX_EVENTS);
    let mut spare = omitted;
    events.retain(|event| {
        let kept = event.kind != Kind::Neutral || spare == 0;
        spare -= usize::from(!kept);
        kept
    });
    events.truncate(MAX_EVENTS);
    (events, omitted)
}

/// Whether it is worth a word that this was found.
pub fn is_news(finding: &Finding) -> bool {
    finding.severity > Severity::Info && finding.rule != Rule::Blind
}
