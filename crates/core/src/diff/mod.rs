//! What changed on a node between two samples.
//!
//! ```text
//! Report, Report ─▶ Difference ─▶ ui/diff | JSON
//! ```

mod holdings;

pub use holdings::{Holding, Holdings};

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cause::Cause;
use crate::model::{InotifyResource, Pair, Provenance, Subject, UserNames};
use crate::report::{Finding, Refusals, Report, SCHEMA_VERSION};
use crate::workload::Workload;

/// The document of `nospace diff`. What did not change is left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// Version of this document.
    pub schema_version: u32,
    /// The first sample.
    pub before: Side,
    /// The second sample.
    pub after: Side,
    /// What makes the two hard to compare: another node, figures that were not counted alike.
    pub notes: Vec<String>,
    /// Budgets whose use or limit changed, the largest change of their share first.
    pub budgets: Vec<BudgetChange>,
    /// Workloads that hold more or less inotify, what grew most first.
    pub workloads: Vec<WorkloadChange>,
    /// Processes that hold more or less inotify, what grew most first.
    pub processes: Vec<ProcessChange>,
    /// The calls that were refused between the two samples of one timeline; null where that was not recorded, and for other recordings.
    pub refusals: Option<Refusals>,
    /// Findings of the second sample that the first did not have.
    pub new_findings: Vec<Finding>,
    /// Findings of the first sample that the second does not have.
    pub gone_findings: Vec<Finding>,
    /// Names of uids, from the node's /etc/passwd, in which the two samples agree; those that are missing are not known.
    #[serde(default, skip_serializing_if = "UserNames::is_empty")]
    pub user_names: UserNames,
}

/// One of the two samples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Side {
    /// Name of the node.
    pub node: String,
    /// When, RFC 3339, UTC.
    pub taken_at: String,
    /// Exit code of `check`: 0 OK, 1 warning, 2 critical, 3 unknown.
    pub status: u8,
}

/// A budget in one sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Level {
    /// In use.
    pub used: u64,
    /// The limit; null where it is not known.
    pub limit: Option<u64>,
    /// How far `used` can be trusted.
    pub provenance: Provenance,
}

/// A budget that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BudgetChange {
    /// Cause that its exhaustion has.
    pub cause: Cause,
    /// What has it.
    #[schemars(with = "String")]
    pub subject: Subject,
    /// What is counted.
    pub unit: String,
    /// In the first sample; null where it was not there.
    pub before: Option<Level>,
    /// In the second sample; null where it was not there.
    pub after: Option<Level>,
}

impl BudgetChange {
    /// Units more; negative for fewer.
    #[must_use]
    pub fn by(&self) -> i64 {
        let used = |level: Option<Level>| level.map_or(0, |level| level.used);
        minus(used(self.after), used(self.before))
    }

    /// How much of its limit that is, in thousandths, for the order.
    fn weight(&self) -> u64 {
        let limit = self.after.or(self.before).and_then(|level| level.limit);
        let by = self.by().unsigned_abs();
        by.saturating_mul(1000) / limit.unwrap_or(by).max(1)
    }
}

/// A workload that holds more or less.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadChange {
    /// Who.
    #[serde(flatten)]
    pub workload: Workload,
    /// In the first sample.
    pub before: Holding,
    /// In the second sample.
    pub after: Holding,
}

/// A process that holds more or less.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProcessChange {
    /// pid.
    pub pid: u32,
    /// Name of the main thread.
    pub comm: String,
    /// The owner.
    pub workload: Workload,
    /// In the first sample.
    pub before: Pair<u64>,
    /// In the second sample.
    pub after: Pair<u64>,
}

/// `after` − `before`.
#[must_use]
pub fn minus(after: u64, before: u64) -> i64 {
    let difference = i128::from(after) - i128::from(before);
    i64::try_from(difference).unwrap_or(if difference > 0 { i64::MAX } else { i64::MIN })
}

/// Compares two samples.
#[must_use]
pub fn difference(before: &Report, after: &Report) -> Difference {
    Difference {
        schema_version: SCHEMA_VERSION,
        before: side(before),
        after: side(after),
        notes: notes(before, after),
        budgets: budgets(before, after),
        workloads: workloads(before, after),
        processes: processes(before, after),
        refusals: None,
        new_findings: missing_in(before, after),
        gone_findings: missing_in(after, before),
        user_names: before.user_names.agreeing(&after.user_names),
    }
}

fn side(report: &Report) -> Side {
    Side {
        node: report.node.name.clone(),
        taken_at: report.taken_at.clone(),
        status: report.status().exit_code(),
    }
}

fn notes(before: &Report, after: &Report) -> Vec<String> {
    let mut notes = Vec::new();
    if before.node.name != after.node.name {
        notes.push(format!(
            "these are two nodes: {} and {}",
            before.node.name, after.node.name
        ));
    }
    if before.taken_at > after.taken_at {
        notes.push("the first sample is the later one".to_owned());
    }
    let (one, other) = (before.inotify_provenance(), after.inotify_provenance());
    if one != other {
        notes.push(format!(
            "inotify was counted differently: first {}, then {}",
            one.name(),
            other.name()
        ));
    }
    for (name, report) in [("first", before), ("second", after)] {
        if report.is_blind() {
            notes.push(format!(
                "most of inotify could not be seen in the {name} sample: what is missing there may have been held nevertheless"
            ));
        } else if !report.unseen.is_empty() {
            notes.push(format!(
                "not everything could be seen in the {name} sample; `nospace check` of it says what is missing"
            ));
        }
    }
    notes
}

type BudgetKey = (Cause, Subject, String);

fn levels(report: &Report) -> BTreeMap<BudgetKey, Level> {
    let mut levels = BTreeMap::new();
    for user in &report.users {
        for resource in InotifyResource::BOTH {
            let budget = user.budget(resource);
            let key = (resource.cause(), user.subject(), resource.unit().to_owned());
            levels.insert(
                key,
                Level {
                    used: budget.used,
                    limit: budget.limit,
                    provenance: budget.provenance,
                },
            );
        }
    }
    for resource in &report.resources {
        let key = (
            resource.cause,
            resource.subject.clone(),
            resource.unit.clone(),
        );
        levels.insert(
            key,
            Level {
                used: resource.used,
                limit: Some(resource.limit),
                provenance: resource.provenance,
            },
        );
    }
    levels
}

fn budgets(before: &Report, after: &Report) -> Vec<BudgetChange> {
    let mut changes: Vec<_> = pairs(levels(before), levels(after))
        .map(|((cause, subject, unit), before, after)| BudgetChange {
            cause,
            subject,
            unit,
            before,
            after,
        })
        .filter(|change| {
            let figures = |level: Option<Level>| level.map(|level| (level.used, level.limit));
            figures(change.before) != figures(change.after)
        })
        .collect();
    changes.sort_by_key(|change| std::cmp::Reverse((change.weight(), change.by())));
    changes
}

fn workloads(before: &Report, after: &Report) -> Vec<WorkloadChange> {
    let (before, after) = (Holdings::of(before), Holdings::of(after));
    let mut changes: Vec<_> = pairs(before.by, after.by)
        .map(|(workload, before, after)| WorkloadChange {
            workload,
            before: before.unwrap_or_default(),
            after: after.unwrap_or_default(),
        })
        // One that was restarted has other ids, and may hold as much as before.
        .filter(|change| {
            let figures = |holding: &Holding| (holding.holds, holding.parts);
            figures(&change.before) != figures(&change.after)
        })
        .collect();
    changes
        .sort_by_key(|change| std::cmp::Reverse(growth(change.before.holds, change.after.holds)));
    changes
}

fn processes(before: &Report, after: &Report) -> Vec<ProcessChange> {
    let of = |report: &Report| -> BTreeMap<(u32, String), (Pair<u64>, Workload)> {
        let node = &report.node.name;
        let processes = report.processes.iter();
        processes
            .map(|p| {
                let holds = Pair {
                    instances: p.instances,
                    watches: p.watches,
                };
                let workload = Workload::of_process(&p.owner, &p.comm, node);
                ((p.pid, p.comm.clone()), (holds, workload))
            })
            .collect()
    };
    let mut changes: Vec<_> = pairs(of(before), of(after))
        .filter_map(|((pid, comm), before, after)| {
            let workload = after.as_ref().or(before.as_ref())?.1.clone();
            let holds = |side: Option<(Pair<u64>, Workload)>| {
                side.unwrap_or_else(|| (Pair::default(), workload.clone()))
                    .0
            };
            Some(ProcessChange {
                before: holds(before),
                after: holds(after),
                pid,
                comm,
                workload: workload.clone(),
            })
        })
        .filter(|change| change.before != change.after)
        .collect();
    changes.sort_by_key(|change| std::cmp::Reverse(growth(change.before, change.after)));
    changes
}

/// By watches, then by instances.
fn growth(before: Pair<u64>, after: Pair<u64>) -> (i64, i64) {
    (
        minus(after.watches, before.watches),
        minus(after.instances, before.instances),
    )
}

/// Every key of either, with what each has.
fn pairs<K: Ord + Clone, V>(
    mut before: BTreeMap<K, V>,
    after: BTreeMap<K, V>,
) -> impl Iterator<Item = (K, Option<V>, Option<V>)> {
    let mut all: Vec<_> = after
        .into_iter()
        .map(|(key, after)| {
            let before = before.remove(&key);
            (key, before, Some(after))
        })
        .collect();
    all.extend(
        before
            .into_iter()
            .map(|(key, before)| (key, Some(before), None)),
    );
    all.into_iter()
}

/// Findings of `report` that `other` does not have: about the same thing they may have other figures.
fn missing_in(other: &Report, report: &Report) -> Vec<Finding> {
    let same = |a: &Finding, b: &Finding| {
        (a.rule, a.cause, a.severity) == (b.rule, b.cause, b.severity) && a.subject == b.subject
    };
    let findings = report.findings.iter();
    let missing = findings.filter(|one| !other.findings.iter().any(|its| same(its, one)));
    missing.cloned().collect()
}

#[cfg(test)]
mod tests;
