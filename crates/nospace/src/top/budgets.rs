//! Budgets and how they were used in the last minutes.

use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};

use nospace_core::cause::Cause;
use nospace_core::growth::Growth;
use nospace_core::model::{InotifyResource, Provenance, UserNames, percent};
use nospace_core::report::Subject;

use super::holders::difference;
use super::sample::Sample;

/// Samples that a sparkline can show.
const POINTS: usize = 120;
/// A change a minute is measured over this long, in seconds.
const SPAN: f64 = 60.0;
/// And at least this long.
const SHORTEST: f64 = 4.5;

/// A budget as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    /// What identifies it.
    pub key: BudgetKey,
    /// What has the budget, with the user's name; raw.
    pub owner: String,
    /// In use.
    pub used: u64,
    /// The limit; `None` where it could not be read.
    pub limit: Option<u64>,
    /// How far `used` can be trusted.
    pub provenance: Provenance,
    /// Use in earlier samples, oldest first, this one included.
    pub points: Vec<u64>,
    /// How it changes a minute; `None` until it is known.
    pub per_minute: Option<f64>,
    /// Seconds until it is full, by the trend of some minutes; `None` where it does not grow or is not known to.
    pub full_in: Option<f64>,
}

/// Cause, subject and unit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BudgetKey {
    /// Cause that its exhaustion has.
    pub cause: Cause,
    /// As findings name it.
    pub subject: Subject,
    /// What is counted.
    pub unit: String,
}

impl Budget {
    /// Used share, in percent rounded down; `None` where either side is unknown.
    #[must_use]
    pub fn percent(&self) -> Option<u64> {
        let known = self.provenance != Provenance::Unavailable;
        known.then(|| percent(self.used, self.limit?)).flatten()
    }

    /// Whether it is one of inotify's.
    #[must_use]
    pub fn is_inotify(&self) -> bool {
        InotifyResource::of_cause(self.key.cause).is_some()
    }

    /// Whether each word of `filter` occurs in its cause or its owner.
    #[must_use]
    pub fn matches(&self, filter: &str) -> bool {
        let said = format!("{} {} {}", self.key.cause, self.owner, self.key.unit).to_lowercase();
        let mut words = filter.split_whitespace();
        words.all(|word| said.contains(&word.to_lowercase()))
    }
}

/// How budgets were used in the last samples.
#[derive(Clone, Debug, Default)]
pub struct BudgetHistory(HashMap<BudgetKey, VecDeque<(f64, u64)>>);

impl BudgetHistory {
    /// Remembers this sample; what it does not have is forgotten.
    pub fn add(&mut self, sample: &Sample) {
        let mut old = std::mem::take(&mut self.0);
        for (key, reading) in readings(sample) {
            let mut points = old.remove(&key).unwrap_or_default();
            if points.len() >= POINTS {
                points.pop_front();
            }
            points.push_back((sample.seconds, reading.used));
            self.0.insert(key, points);
        }
    }

    /// The budgets of `sample`, the fullest first, unknown ones last.
    #[must_use]
    pub fn budgets(&self, sample: &Sample) -> Vec<Budget> {
        let mut all: Vec<Budget> = readings(sample)
            .map(|(key, reading)| {
                let points = self.0.get(&key);
                Budget {
                    owner: owner(&key.subject, &sample.report.user_names),
                    points: points
                        .into_iter()
                        .flatten()
                        .map(|(_, used)| *used)
                        .collect(),
                    per_minute: points.and_then(per_minute),
                    full_in: full_in(&key, &sample.growth),
                    used: reading.used,
                    limit: reading.limit,
                    provenance: reading.provenance,
                    key,
                }
            })
            .collect();
        all.sort_by_key(|budget| Reverse(budget.percent()));
        all
    }
}

struct Reading {
    used: u64,
    limit: Option<u64>,
    provenance: Provenance,
}

fn readings(sample: &Sample) -> impl Iterator<Item = (BudgetKey, Reading)> {
    let of_users = sample.report.users.iter().flat_map(|user| {
        InotifyResource::BOTH.into_iter().map(|resource| {
            let budget = user.budget(resource);
            let key = BudgetKey {
                cause: resource.cause(),
                subject: user.subject(),
                unit: resource.unit().to_owned(),
            };
            let reading = Reading {
                used: budget.used,
                limit: budget.limit,
                provenance: budget.provenance,
            };
            (key, reading)
        })
    });
    let others = sample.report.resources.iter().map(|resource| {
        let key = BudgetKey {
            cause: resource.cause,
            subject: resource.subject.clone(),
            unit: resource.unit.clone(),
        };
        let reading = Reading {
            used: resource.used,
            limit: Some(resource.limit),
            provenance: resource.provenance,
        };
        (key, reading)
    });
    of_users.chain(others)
}

/// A user by name; other subjects as findings name them, but for what all sysctls of namespaces have in common.
fn owner(subject: &Subject, users: &UserNames) -> String {
    match subject {
        Subject::User(key) => users.short(*key),
        _ => {
            let name = subject.to_string();
            name.strip_prefix("user.max_").unwrap_or(&name).to_owned()
        }
    }
}

fn per_minute(points: &VecDeque<(f64, u64)>) -> Option<f64> {
    let (now, used) = points.back()?;
    let (then, before) = points.iter().find(|(seconds, _)| now - seconds <= SPAN)?;
    (now - then >= SHORTEST).then(|| difference(*used, *before) / ((now - then) / 60.0))
}

fn full_in(key: &BudgetKey, growth: &[Growth]) -> Option<f64> {
    let same = |one: &&Growth| {
        one.cause == key.cause && one.unit == key.unit && one.subject == key.subject
    };
    growth.iter().find(same)?.full_in
}
