use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use nospace_core::amount;
use nospace_core::cause::Cause;
use nospace_core::diff::Holdings;
use nospace_core::model::InotifyResource;
use nospace_core::report::{Finding, Refusals, Report, Rule, Severity, Status, budget_name};
use nospace_core::workload::{Workload, WorkloadKind};

use super::matter::{self, is_news};
use super::refusals::bursts;
use super::{Event, Holder, Incident, Kind, Point, Series};
use crate::ui::human;

/// Collects samples, in the order in which they were taken.
#[derive(Default)]
pub struct Recorder {
    samples: Vec<Timestamp>,
    /// When the first was taken, by the recording's clock.
    began: Option<f64>,
    /// By name and unit.
    budgets: BTreeMap<(String, String), Vec<Point>>,
    /// Names of budgets with that of their user.
    captions: BTreeMap<String, String>,
    /// The cause of each budget, by its name.
    causes: BTreeMap<String, Cause>,
    /// When calls were refused, and the causes that may be why.
    refused: Vec<(f64, BTreeSet<Cause>)>,
    holders: BTreeMap<Workload, Vec<(f64, u64, u64)>>,
    starts: BTreeMap<Workload, BTreeSet<String>>,
    /// Budgets that were said to run out: a forecast comes and goes, and is news once.
    forecasts: BTreeSet<String>,
    events: Vec<Event>,
    last: Option<Report>,
    /// Samples in which inotify could not be counted.
    blind: usize,
    /// What of the refused calls is missing, in words.
    gaps: Vec<String>,
}

impl Recorder {
    /// Adds a sample that was taken at `seconds` by a clock that nobody sets.
    pub fn add(&mut self, report: Report, when: Timestamp, seconds: f64) {
        let at = seconds - *self.began.get_or_insert(seconds);
        let happened = |kind, text| Event {
            at,
            when,
            kind,
            text,
        };
        let mut events = Vec::new();
        if let Some(before) = &self.last {
            events.extend(
                changes(before, &report, &mut self.forecasts)
                    .into_iter()
                    .map(|(kind, text)| happened(kind, text)),
            );
        } else {
            let status = report.status();
            let word = human::word(status);
            events.push(happened(
                kind(status),
                format!("begins: {word}, {}", sentence(&report)),
            ));
        }
        self.samples.push(when);
        self.add_budgets(&report, at);
        // Where inotify could not be counted, who is missing may hold as much as before.
        if report.is_blind() {
            self.blind += 1;
        } else {
            let restarted = self.add_holders(&report, at);
            events.extend(restarted.map(|text| happened(Kind::Neutral, text)));
        }
        self.events.extend(events);
        self.last = Some(report);
    }

    /// Adds what workloads hold; those that started anew, in words.
    fn add_holders(&mut self, report: &Report, at: f64) -> impl Iterator<Item = String> + use<> {
        let holdings = Holdings::of(report).by;
        for (workload, points) in &mut self.holders {
            if !holdings.contains_key(workload) {
                points.push((at, 0, 0));
            }
        }
        let mut restarted = Vec::new();
        for (workload, holding) in holdings {
            let ids = self.starts.entry(workload.clone()).or_default();
            if !holding.ids.is_empty() {
                if !ids.is_empty() && ids.is_disjoint(&holding.ids) {
                    restarted.extend(restart(&workload));
                }
                *ids = holding.ids;
            }
            let points = self.holders.entry(workload).or_default();
            points.push((at, holding.holds.watches, holding.holds.instances));
        }
        restarted.into_iter()
    }

    fn add_budgets(&mut self, report: &Report, at: f64) {
        for user in &report.users {
            for resource in InotifyResource::BOTH {
                let budget = user.budget(resource);
                let Some(used) = budget.known_used() else {
                    continue;
                };
                let name = budget_name(resource.cause(), &user.subject().to_string());
                let caption = budget_name(resource.cause(), &report.user_names.user(user.key()));
                self.captions.insert(name.clone(), caption);
                self.causes.insert(name.clone(), resource.cause());
                let points = self.budgets.entry((name, resource.unit().to_owned()));
                points.or_default().push(Point {
                    at,
                    used,
                    limit: budget.limit,
                    provenance: budget.provenance,
                });
            }
        }
        for resource in &report.resources {
            let name = matter::with_unit(resource.cause, &resource.subject, &resource.unit);
            let caption = report.user_names.caption(&resource.subject);
            let caption = matter::captioned(resource.cause, &caption, &resource.unit);
            self.captions.insert(name.clone(), caption);
            self.causes.insert(name.clone(), resource.cause);
            let points = self.budgets.entry((name, resource.unit.clone()));
            points.or_default().push(Point {
                at,
                used: resource.used,
                limit: Some(resource.limit),
                provenance: resource.provenance,
            });
        }
    }

    /// Adds what was refused, with the seconds of the sample that has it: once where it began, and again after a pause.
    pub fn add_refusals(&mut self, all: &[(f64, Refusals)]) {
        let lost: u64 = all.iter().map(|(_, refusals)| refusals.lost).sum();
        if lost > 0 {
            self.gaps.push(format!(
                "{} came too fast to be traced: some refused calls may be missing",
                amount::count(lost, "call", "calls")
            ));
        }
        let began = self.began.unwrap_or(0.0);
        self.events.extend(bursts(all, began));
        self.refused = all
            .iter()
            .map(|(seconds, refusals)| {
                let by_limit = refusals.calls.iter().filter(|call| call.guard.is_none());
                let causes = by_limit.flat_map(|call| &call.causes);
                (seconds - began, causes.copied().collect())
            })
            .collect();
        // What was refused before a sample comes before what the sample shows.
        let order = |event: &Event| event.kind != Kind::Refused;
        self.events
            .sort_by(|a, b| a.at.total_cmp(&b.at).then(order(a).cmp(&order(b))));
    }

    /// The incident; `None` without a sample.
    #[must_use]
    pub fn finish(self) -> Option<Incident> {
        let report = self.last?;
        let budgets = self.budgets.into_iter();
        // Of this budget, or perhaps of another of the same cause.
        let refused = |name: &str| {
            let cause = self.causes.get(name);
            let samples = self.refused.iter();
            let samples = samples.filter(|(_, causes)| cause.is_some_and(|c| causes.contains(c)));
            samples.map(|(at, _)| *at).collect()
        };
        let budgets = budgets.map(|((name, unit), points)| Series {
            refused: refused(&name),
            name,
            unit,
            points,
        });
        let budgets = matter::budgets(budgets, &self.captions, &report);
        let workloads = self.holders.into_iter().map(|(workload, points)| Holder {
            name: workload.to_string(),
            points,
        });
        let workloads = matter::workloads(workloads);
        let (events, events_omitted) = matter::events(self.events);
        let samples = self.samples.len();
        let mut gaps = self.gaps;
        gaps.extend(match self.blind {
            0 => Vec::new(),
            _ if samples == 1 => Vec::new(),
            blind => vec![format!(
                "in {blind} of {samples} samples inotify could not be counted: who held what then is not known"
            )],
        });
        Some(Incident {
            report,
            samples: self.samples,
            budgets,
            workloads,
            events,
            events_omitted,
            logs: None,
            missing: Vec::new(),
            gaps,
            commands: Vec::new(),
        })
    }
}

/// Of a unit only the processes that hold inotify are known: it may have run all the time. Those of one program may have nothing to
/// do with each other.
fn restart(workload: &Workload) -> Option<String> {
    match workload.kind {
        WorkloadKind::Program => None,
        WorkloadKind::Unit => Some(format!(
            "{workload}: its inotify instances are held by new processes"
        )),
        _ => Some(format!("{workload} restarted")),
    }
}

/// How bad an answer is.
pub fn kind(status: Status) -> Kind {
    match status {
        Status::Critical => Kind::Critical,
        Status::Warning => Kind::Warning,
        Status::Ok(_) => Kind::Better,
        Status::Unknown => Kind::Neutral,
    }
}

fn sentence(report: &Report) -> String {
    human::sentence(report, crate::ui::Charset::Unicode)
}

fn is_same(a: &Finding, b: &Finding) -> bool {
    (a.rule, a.cause) == (b.rule, b.cause) && a.subject == b.subject
}

/// Limits that were raised or lowered.
fn limits(before: &Report, after: &Report) -> Vec<(Kind, String)> {
    let mut changes = Vec::new();
    // Those of other namespaces follow what their parents use.
    for user in after.users.iter().filter(|user| user.is_initial()) {
        let Some(earlier) = before.users.iter().find(|one| one.key() == user.key()) else {
            continue;
        };
        for resource in InotifyResource::BOTH {
            if let (Some(from), Some(to)) =
                (earlier.budget(resource).limit, user.budget(resource).limit)
                && from != to
            {
                let name = budget_name(resource.cause(), &after.user_names.user(user.key()));
                let what = format!("the limit of {name}");
                let kind = match to > from {
                    true => Kind::Better,
                    false => Kind::Neutral,
                };
                let (from, to) = (amount::thousands(from), amount::thousands(to));
                changes.push((kind, format!("{what} changed from {from} to {to}")));
            }
        }
    }
    changes
}

/// What is worth saying of the step from one sample to the next.
fn changes(
    before: &Report,
    after: &Report,
    forecasts: &mut BTreeSet<String>,
) -> Vec<(Kind, String)> {
    // They may be why the rest changed.
    let mut changes = limits(before, after);
    for finding in after.findings.iter().filter(|finding| is_news(finding)) {
        let was = before.findings.iter().find(|one| is_same(one, finding));
        let is_known = finding.rule == Rule::Growth
            && !forecasts.insert(format!("{} {}", finding.cause, finding.subject));
        if was.is_none_or(|was| was.severity < finding.severity) && !is_known {
            let kind = match finding.severity {
                Severity::Critical => Kind::Critical,
                _ => Kind::Warning,
            };
            changes.push((kind, finding.title.clone()));
        }
    }
    // A forecast that is not made any more is no news.
    let known = |finding: &&Finding| is_news(finding) && finding.rule != Rule::Growth;
    for finding in before.findings.iter().filter(known) {
        if !after.findings.iter().any(|one| is_same(one, finding)) {
            changes.push((Kind::Neutral, format!("no longer found: {}", finding.title)));
        }
    }
    let (was, is) = (before.status(), after.status());
    if was != is {
        let text = format!("{} becomes {}", human::word(was), human::word(is));
        changes.push((kind(is), text));
    }
    changes
}
