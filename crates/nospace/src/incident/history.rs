//! What an agent remembers, as an incident.

use std::collections::BTreeMap;

use jiff::Timestamp;
use nospace_core::amount::{count, thousands};
use nospace_core::history::{
    BudgetSeries, Gap, GapReason, HistoryDocument, Moment, WorkloadSeries,
};
use nospace_core::model::InotifyResource;
use nospace_core::report::{Report, Status, budget_name};

use super::matter;
use super::recorder::kind;
use super::{Event, Holder, Incident, Kind, Point, Series};
use crate::ui::human;

/// Seconds since the first sample.
struct Axis {
    first: Timestamp,
    at: Vec<f64>,
}

impl Axis {
    fn seconds(&self, moment: Timestamp) -> f64 {
        moment.duration_since(self.first).as_secs_f64().max(0.0)
    }
}

/// The incident that the history of a node tells; `report` is the newest. `None` if a time in it is none, or it has no sample.
#[must_use]
pub fn incident(document: &HistoryDocument, report: Report) -> Option<Incident> {
    let moments = document.samples.iter().map(|sample| time(&sample.at));
    let samples: Vec<Timestamp> = moments.collect::<Option<_>>()?;
    let first = *samples.first()?;
    let at = samples.iter();
    let mut axis = Axis {
        first,
        at: Vec::new(),
    };
    axis.at = at.map(|moment| axis.seconds(*moment)).collect();
    let mut missing = Vec::new();
    let mut gaps = Vec::new();
    let mut all = Vec::new();
    for gap in &document.gaps {
        let (from, to) = (time(&gap.from)?, time(&gap.to)?);
        if gap.reason == GapReason::NotKept {
            gaps.push(format!(
                "nothing is known of the time before {first}: no earlier history was kept (--state-dir keeps it over a restart)"
            ));
            continue;
        }
        missing.push((axis.seconds(from), axis.seconds(to)));
        all.push(event(&axis, from, Kind::Neutral, silence(gap, from, to)));
    }
    for start in &document.starts {
        let when = time(start)?;
        let text = "the agent started".to_owned();
        all.push(event(&axis, when, Kind::Neutral, text));
    }
    all.extend(statuses(document, &axis, &samples));
    all.extend(refusals(document, &axis, &samples));
    let names = &report.user_names;
    let mut captions = BTreeMap::new();
    for series in &document.budgets {
        let (cause, unit) = (series.cause, &series.unit);
        let caption = names.caption(&series.subject);
        all.extend(limits(series, &caption, &axis, &samples));
        captions.insert(
            matter::with_unit(cause, &series.subject, unit),
            matter::captioned(cause, &caption, unit),
        );
    }
    all.sort_by_key(|event| event.when);
    let not_counted = |sample: &&Moment| sample.refusals.is_none();
    let uncounted = document.samples.iter().filter(not_counted).count();
    if uncounted > 0 {
        gaps.push(format!(
            "in {uncounted} of {} refused calls were not counted: eBPF was missing, or not attached yet",
            count(samples.len() as u64, "step", "steps")
        ));
    }
    let (events, events_omitted) = matter::events(all);
    let budgets = document.budgets.iter();
    let budgets = budgets.map(|budget| series(budget, document, &axis));
    let workloads = document.workloads.iter().map(|one| holder(one, &axis));
    Some(Incident {
        budgets: matter::budgets(budgets, &captions, &report),
        workloads: matter::workloads(workloads),
        report,
        samples,
        events,
        events_omitted,
        logs: None,
        missing,
        gaps,
        commands: Vec::new(),
    })
}

fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

fn event(axis: &Axis, when: Timestamp, kind: Kind, text: String) -> Event {
    Event {
        at: axis.seconds(when),
        when,
        kind,
        text,
    }
}

fn silence(gap: &Gap, from: Timestamp, to: Timestamp) -> String {
    let long = super::figure::long(to.duration_since(from).as_secs_f64());
    match gap.reason {
        GapReason::AgentDown => {
            format!("nothing is known of the next {long}: the agent did not run")
        }
        _ => format!("nothing is known of the next {long}: the agent ran, but no collection ended"),
    }
}

fn statuses(document: &HistoryDocument, axis: &Axis, samples: &[Timestamp]) -> Vec<Event> {
    let mut before: Option<Status> = None;
    let mut all = Vec::new();
    for (sample, when) in document.samples.iter().zip(samples) {
        let text = match before.replace(sample.status) {
            None => format!("begins: {}", human::word(sample.status)),
            Some(was) if was == sample.status => continue,
            Some(was) => format!(
                "{} becomes {}",
                human::word(was),
                human::word(sample.status)
            ),
        };
        all.push(event(axis, *when, kind(sample.status), text));
    }
    all
}

/// Refusals in one step after another are one event.
fn refusals(document: &HistoryDocument, axis: &Axis, samples: &[Timestamp]) -> Vec<Event> {
    let mut runs: Vec<(Timestamp, Timestamp, BTreeMap<&str, u64>)> = Vec::new();
    let mut was_refused = false;
    for (sample, when) in document.samples.iter().zip(samples) {
        let refused = sample.refusals.iter().flatten();
        let refused = refused.filter(|(_, calls)| **calls > 0);
        let mut is_refused = false;
        for (cause, calls) in refused {
            if !was_refused && !is_refused {
                runs.push((*when, *when, BTreeMap::new()));
            }
            is_refused = true;
            if let Some((_, end, sum)) = runs.last_mut() {
                *end = *when;
                let sum = sum.entry(cause).or_default();
                *sum = sum.saturating_add(*calls);
            }
        }
        was_refused = is_refused;
    }
    let events = runs.into_iter().map(|(begin, end, sum)| {
        let each = sum.into_iter().map(|(cause, calls)| {
            let calls = count(calls, "call", "calls");
            format!("{calls} refused: {cause}")
        });
        let mut text = each.collect::<Vec<_>>().join(", ");
        if end != begin {
            text += &format!(" (until {})", end.strftime("%H:%M:%S"));
        }
        event(axis, begin, Kind::Refused, text)
    });
    events.collect()
}

/// When calls were refused because of this budget's limit, or perhaps because of it.
fn refused(budget: &BudgetSeries, document: &HistoryDocument, axis: &Axis) -> Vec<f64> {
    let code = budget.cause.code();
    let is_of = |cause: &String| cause.split(" or ").any(|one| one == code);
    let steps = document.samples.iter().zip(&axis.at);
    let steps = steps.filter(|(sample, _)| {
        let mut refusals = sample.refusals.iter().flatten();
        refusals.any(|(cause, calls)| *calls > 0 && is_of(cause))
    });
    steps.map(|(_, at)| *at).collect()
}

fn limits(series: &BudgetSeries, caption: &str, axis: &Axis, samples: &[Timestamp]) -> Vec<Event> {
    let mut before: Option<u64> = None;
    let mut all = Vec::new();
    // Those of other namespaces follow what their parents use, others the memory.
    let is_followed = InotifyResource::of_cause(series.cause).is_some();
    if !is_followed || series.name.contains("user namespace") {
        return all;
    }
    for (limit, when) in series.limit.iter().zip(samples) {
        let Some(limit) = limit else { continue };
        if let Some(was) = before.replace(*limit).filter(|was| was != limit) {
            let (from, to) = (thousands(was), thousands(*limit));
            let name = budget_name(series.cause, caption);
            let text = format!("the limit of {name} changed from {from} to {to}");
            all.push(event(axis, *when, Kind::Neutral, text));
        }
    }
    all
}

fn series(budget: &BudgetSeries, document: &HistoryDocument, axis: &Axis) -> Series {
    let points = axis.at.iter().zip(&budget.used).zip(&budget.limit);
    let points = points.filter_map(|((at, used), limit)| {
        Some(Point {
            at: *at,
            used: (*used)?,
            limit: *limit,
            provenance: budget.provenance,
        })
    });
    Series {
        name: matter::with_unit(budget.cause, &budget.subject, &budget.unit),
        unit: budget.unit.clone(),
        points: points.collect(),
        refused: refused(budget, document, axis),
    }
}

fn holder(one: &WorkloadSeries, axis: &Axis) -> Holder {
    let points = axis.at.iter().zip(&one.watches).zip(&one.instances);
    let points =
        points.filter_map(|((at, watches), instances)| Some((*at, (*watches)?, (*instances)?)));
    Holder {
        name: one.workload.to_string(),
        points: points.collect(),
    }
}
