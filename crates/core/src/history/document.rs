use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::recent::{Recent, Slot, sum};
use super::sample::{BudgetKey, NO_LIMIT};
use super::track::{Point, Second, Track};
use crate::cause::Cause;
use crate::model::{Provenance, Subject};
use crate::report::{SCHEMA_VERSION, Status, budget_name};
use crate::workload::Workload;

/// Collections that must be missing for a gap, in their intervals.
const MISSING: i64 = 3;

/// The last hours of a node: `/api/v1/history`. Lists of a series have an entry for each of `samples`; null where it was not seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryDocument {
    /// The schema's version.
    pub schema_version: u32,
    /// The node's name.
    pub node: String,
    /// From when on it was asked for, RFC 3339, UTC.
    pub since: String,
    /// The newest collection.
    pub until: String,
    /// Seconds that one entry of `samples` stands for.
    pub step_seconds: f64,
    /// Seconds that the agent keeps.
    pub kept_seconds: f64,
    /// The times, the oldest first.
    pub samples: Vec<Moment>,
    /// When the agent started, where that is in the time asked for.
    pub starts: Vec<String>,
    /// When nothing was collected.
    pub gaps: Vec<Gap>,
    /// Budgets.
    pub budgets: Vec<BudgetSeries>,
    /// Budgets of the newest collection that are not followed.
    pub budgets_omitted: u64,
    /// Workloads that hold inotify instances or watches.
    pub workloads: Vec<WorkloadSeries>,
    /// Workloads of the newest collection that are not followed.
    pub workloads_omitted: u64,
}

/// What is known of one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Moment {
    /// The last collection in it, RFC 3339, UTC.
    pub at: String,
    /// Collections in it.
    pub collections: u32,
    /// The worst answer.
    pub status: Status,
    /// Calls refused in it, by what was used up; null where they were not counted.
    pub refusals: Option<BTreeMap<String, u64>>,
}

/// A time in which nothing was collected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// The last collection before, or the time that was asked for.
    pub from: String,
    /// The first collection after.
    pub to: String,
    /// Why.
    pub reason: GapReason,
}

/// Why nothing is known of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum GapReason {
    /// Nothing of before is kept.
    NotKept,
    /// The agent did not run.
    AgentDown,
    /// It ran, but no collection ended: the node slept, or a collection took long.
    NoCollection,
}

/// A budget over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BudgetSeries {
    /// `inotify watches of uid 0`.
    pub name: String,
    /// Cause code that its exhaustion has.
    pub cause: Cause,
    /// Whose budget.
    #[schemars(with = "String")]
    pub subject: Subject,
    /// What is counted.
    pub unit: String,
    /// How far the figures can be trusted: the weakest of them.
    pub provenance: Provenance,
    /// The most that was in use.
    pub used: Vec<Option<u64>>,
    /// The limit at the end of the step; null also where it could not be read.
    pub limit: Vec<Option<u64>>,
}

/// A workload over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadSeries {
    /// Who.
    #[serde(flatten)]
    pub workload: Workload,
    /// How far the figures can be trusted: the weakest of them.
    pub provenance: Provenance,
    /// The most watches.
    pub watches: Vec<Option<u64>>,
    /// The most instances.
    pub instances: Vec<Option<u64>>,
}

/// What of the history is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// From when on; all that is kept where `None`.
    pub since: Option<i64>,
    /// Milliseconds that one entry stands for, no less than [`Recent::step`]; that where `None`.
    pub step: Option<i64>,
    /// Cause codes or names of budgets; all where empty.
    pub budgets: Vec<String>,
}

/// Slots that make one entry.
struct Group {
    at: i64,
    moment: Moment,
    numbers: std::ops::RangeInclusive<u32>,
}

impl Recent {
    /// The part that `query` asks for; `time` gives the time of day. Before the first collection nothing is known.
    #[must_use]
    pub fn document(
        &self,
        node: &str,
        query: &Query,
        time: &dyn Fn(i64) -> String,
    ) -> HistoryDocument {
        let newest = self.newest().unwrap_or_default();
        let since = query.since.unwrap_or(newest.saturating_sub(self.keep()));
        let step = query.step.unwrap_or_else(|| self.step());
        let earlier = self.slots.partition_point(|slot| slot.last < since);
        let slots: Vec<&Slot> = self.slots.range(earlier..).collect();
        let before = earlier.checked_sub(1).and_then(|at| self.slots.get(at));
        let groups = groups(&slots, step.max(1), time);
        let gaps = gaps(before, &slots, since, step, time);
        let starts = slots.iter().filter(|slot| slot.starts);
        let is_asked = |key: &BudgetKey| {
            let name = || budget_name(key.cause, &key.subject.to_string());
            let is = |asked: &String| *asked == key.cause.code() || *asked == name();
            query.budgets.is_empty() || query.budgets.iter().any(is)
        };
        let budgets = self.budgets.all.iter().filter(|t| is_asked(&t.key));
        let budgets = budgets.filter_map(|track| {
            let (points, provenance) = series(track, Second::Latest, &groups)?;
            let limit = |point: &Option<Point>| point.map(|p| p.figures[1]);
            Some(BudgetSeries {
                name: budget_name(track.key.cause, &track.key.subject.to_string()),
                cause: track.key.cause,
                subject: track.key.subject.clone(),
                unit: track.key.unit.clone(),
                provenance,
                used: points
                    .iter()
                    .map(|p| Some(p.as_ref()?.figures[0]))
                    .collect(),
                limit: points
                    .iter()
                    .map(|point| limit(point).filter(|limit| *limit != NO_LIMIT))
                    .collect(),
            })
        });
        let workloads = self.workloads.all.iter().filter_map(|track| {
            let (points, provenance) = series(track, Second::Highest, &groups)?;
            let all = |at: usize| {
                points
                    .iter()
                    .map(|p| Some(p.as_ref()?.figures[at]))
                    .collect()
            };
            Some(WorkloadSeries {
                workload: track.key.clone(),
                provenance,
                watches: all(0),
                instances: all(1),
            })
        });
        HistoryDocument {
            schema_version: SCHEMA_VERSION,
            node: node.to_owned(),
            since: time(since),
            until: time(newest),
            step_seconds: seconds(step),
            kept_seconds: seconds(self.keep()),
            starts: starts.map(|slot| time(slot.first)).collect(),
            gaps,
            budgets: budgets.collect(),
            budgets_omitted: self.budgets.omitted,
            workloads: workloads.collect(),
            workloads_omitted: self.workloads.omitted,
            samples: groups.into_iter().map(|group| group.moment).collect(),
        }
    }

    /// Names of the budgets that are followed.
    pub fn budget_names(&self) -> impl Iterator<Item = String> + '_ {
        let keys = self.budgets.all.iter().map(|track| &track.key);
        keys.map(|key| budget_name(key.cause, &key.subject.to_string()))
    }
}

#[expect(clippy::cast_precision_loss, reason = "days at most")]
fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1e3
}

fn groups(slots: &[&Slot], step: i64, time: &dyn Fn(i64) -> String) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for slot in slots {
        let refusals = |sum: Option<Vec<(String, u64)>>| sum.map(|all| all.into_iter().collect());
        match groups.last_mut() {
            // A start is an entry of its own, so that no line leads across the time before.
            Some(group)
                if !slot.starts && group.at.div_euclid(step) == slot.first.div_euclid(step) =>
            {
                let moment = &mut group.moment;
                moment.at = time(slot.last);
                moment.collections = moment.collections.saturating_add(slot.collections);
                moment.status = moment.status.max(slot.status);
                let before = moment.refusals.take().map(|all| all.into_iter().collect());
                moment.refusals = refusals(sum(before, slot.refusals.clone()));
                group.numbers = *group.numbers.start()..=slot.number;
            }
            _ => groups.push(Group {
                at: slot.first,
                moment: Moment {
                    at: time(slot.last),
                    collections: slot.collections,
                    status: slot.status,
                    refusals: refusals(slot.refusals.clone()),
                },
                numbers: slot.number..=slot.number,
            }),
        }
    }
    groups
}

fn gaps(
    earlier: Option<&Slot>,
    slots: &[&Slot],
    since: i64,
    step: i64,
    time: &dyn Fn(i64) -> String,
) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let mut gap = |from: i64, to, reason| {
        gaps.push(Gap {
            from: time(from.max(since)),
            to: time(to),
            reason,
        });
    };
    if let Some(first) = slots.first().filter(|_| earlier.is_none())
        && first.first.saturating_sub(since) > MISSING.saturating_mul(first.every).max(step)
    {
        gap(since, first.first, GapReason::NotKept);
    }
    let all: Vec<&Slot> = earlier.into_iter().chain(slots.iter().copied()).collect();
    for pair in all.windows(2) {
        let [before, after] = pair else { continue };
        let missing = after.first.saturating_sub(before.last);
        let every = MISSING.saturating_mul(after.every.max(before.every));
        if after.starts && missing > every {
            gap(before.last, after.first, GapReason::AgentDown);
        } else if !after.starts && missing > every.max(step) {
            gap(before.last, after.first, GapReason::NoCollection);
        }
    }
    gaps
}

/// A point for each group, and how far they can be trusted; `None` where there is none at all.
fn series<K>(
    track: &Track<K>,
    second: Second,
    groups: &[Group],
) -> Option<(Vec<Option<Point>>, Provenance)> {
    let mut weakest = None;
    let mut points = track.points.iter().peekable();
    let all = groups.iter().map(|group| {
        let mut found: Option<Point> = None;
        while let Some(point) = points.next_if(|point| point.slot <= *group.numbers.end()) {
            if point.slot < *group.numbers.start() {
                continue;
            }
            weakest =
                Some(weakest.map_or(point.provenance, |w: Provenance| w.and(point.provenance)));
            let figures = found.map_or(point.figures, |found| {
                second.join(found.figures, point.figures)
            });
            found = Some(Point { figures, ..*point });
        }
        found
    });
    let all: Vec<_> = all.collect();
    Some((all, weakest?))
}
