use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cause::Cause;
use crate::diff::Holdings;
use crate::model::{InotifyResource, Provenance, Subject};
use crate::report::{Report, Status, percent};
use crate::workload::Workload;

/// Users of inotify whose budgets are considered: the most pressed.
const USERS: usize = 8;
/// Bytes of a name, at most: what is longer is not followed.
const MAX_NAME: usize = 512;

/// Which budget.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BudgetKey {
    /// Cause code that its exhaustion has.
    pub cause: Cause,
    /// Whose budget.
    pub subject: Subject,
    /// What is counted.
    pub unit: String,
}

/// Something at one collection: two figures of what `K` names.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading<K> {
    /// What.
    pub key: K,
    /// Of a budget used and limit, of a workload watches and instances.
    pub figures: [u64; 2],
    /// How far they can be trusted.
    pub provenance: Provenance,
    /// How much it matters: those with the highest are followed.
    pub rank: u64,
}

/// One collection, as far as the history keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// When.
    pub at: i64,
    /// Milliseconds from one collection to the next, as it is set.
    pub every: i64,
    /// The answer.
    pub status: Status,
    /// Calls refused since the collection before, by cause; `None` where they are not counted.
    pub refusals: Option<BTreeMap<String, u64>>,
    /// Budgets that could be read.
    pub budgets: Vec<Reading<BudgetKey>>,
    /// What workloads hold; `None` where inotify could not be counted.
    pub workloads: Option<Vec<Reading<Workload>>>,
}

/// In place of a limit that could not be read.
pub(super) const NO_LIMIT: u64 = u64::MAX;
/// The rank of what is always followed.
pub(super) const ALWAYS: u64 = u64::MAX;

impl Sample {
    /// What `report` says, taken at `at`.
    #[must_use]
    pub fn of(
        report: &Report,
        at: i64,
        every: i64,
        refusals: Option<BTreeMap<String, u64>>,
    ) -> Self {
        Self {
            at,
            every,
            status: report.status(),
            refusals,
            budgets: budgets(report),
            workloads: (!report.is_blind()).then(|| workloads(report)),
        }
    }
}

fn budgets(report: &Report) -> Vec<Reading<BudgetKey>> {
    let users = report.users.iter().take(USERS).flat_map(|user| {
        InotifyResource::BOTH.into_iter().filter_map(|resource| {
            let budget = user.budget(resource);
            let key = BudgetKey {
                cause: resource.cause(),
                subject: user.subject(),
                unit: resource.unit().to_owned(),
            };
            let rank = match user.is_initial() && user.uid == 0 {
                true => ALWAYS,
                false => budget.percent().unwrap_or(0),
            };
            Some(Reading {
                key,
                figures: [budget.known_used()?, budget.limit.unwrap_or(NO_LIMIT)],
                provenance: budget.provenance,
                rank,
            })
        })
    });
    let known = report.resources.iter();
    let known = known.filter(|resource| resource.provenance != Provenance::Unavailable);
    let others = known.map(|resource| Reading {
        key: BudgetKey {
            cause: resource.cause,
            subject: resource.subject.clone(),
            unit: resource.unit.clone(),
        },
        figures: [resource.used, resource.limit],
        provenance: resource.provenance,
        rank: percent(resource.used, resource.limit).unwrap_or(0),
    });
    let all = users.chain(others).filter_map(|mut reading| {
        // What it stands for is not needed, only its name.
        let subject = reading.key.subject.to_string();
        (subject.len() <= MAX_NAME).then(|| {
            reading.key.subject = subject.parse().unwrap_or_default();
            reading
        })
    });
    all.collect()
}

fn workloads(report: &Report) -> Vec<Reading<Workload>> {
    let holdings = Holdings::of(report).by;
    let provenance = report.inotify_provenance();
    let held = holdings.values().map(|one| &one.holds);
    let held = Held::sum(held.map(|one| [one.watches, one.instances]));
    let all = holdings.into_iter().map(|(key, holding)| {
        let figures = [holding.holds.watches, holding.holds.instances];
        Reading {
            key,
            figures,
            provenance,
            rank: held.rank(figures),
        }
    });
    all.filter(|one| one.key.name.len() + one.key.namespace.len() <= MAX_NAME)
        .collect()
}

/// The watches and instances of all workloads.
pub(super) struct Held([u64; 2]);

impl Held {
    pub fn sum(all: impl Iterator<Item = [u64; 2]>) -> Self {
        Self(all.fold([0, 0], |sum, one| {
            [sum[0].saturating_add(one[0]), sum[1].saturating_add(one[1])]
        }))
    }

    /// The larger share that a workload has, in permille.
    pub fn rank(&self, held: [u64; 2]) -> u64 {
        let permille = |at: usize| percent(held[at].saturating_mul(10), self.0[at]).unwrap_or(0);
        permille(0).max(permille(1))
    }
}
