use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::BuildHasher as _;

use foldhash::fast::FixedState;

use super::rate::Growth;
use super::slope::median_slope;
use crate::attribute::{Holder, View};
use crate::cause::Cause;
use crate::model::{InotifyResource, Pair, UserKey};
use crate::report::Subject;

/// Checks that a rate is based on, at most.
pub const MAX_SAMPLES: usize = 40;
/// Checks that a statement on what runs out is based on, at least: a rollout is over by then.
pub const ENOUGH_SAMPLES: usize = MAX_SAMPLES / 2;
/// And at least.
pub const MIN_SAMPLES: usize = 8;

/// Users, and budgets of one cause and unit, whose growth is followed: the fullest.
const USERS: usize = 20;
const SUBJECTS: usize = 20;
/// Users whose holders are remembered, and checks between two such snapshots.
const USERS_WITH_HOLDERS: usize = 8;
const HOLDERS_EVERY: usize = 10;

/// What budgets were at earlier checks. Times are seconds of a monotonic clock.
#[derive(Clone, Debug, Default)]
pub struct History {
    budgets: BTreeMap<Key, VecDeque<(f64, u64)>>,
    holders: VecDeque<HolderSnapshot>,
    samples: usize,
}

type Key = (Cause, Subject, String);

/// Who held what at one check. A thousand pods have long names, so a hash stands for each.
#[derive(Clone, Debug)]
struct HolderSnapshot {
    at: f64,
    by: HashMap<u64, Pair<u64>, FixedState>,
}

/// A budget as it is now.
struct Reading {
    key: Key,
    used: u64,
    limit: u64,
}

/// How much more a holder has than it had.
#[derive(Clone, Debug)]
pub struct Increase {
    /// Who.
    pub holder: Holder,
    /// Units more, in `over` seconds.
    pub by: u64,
    /// Share of all increases, in percent.
    pub percent: u64,
    /// Seconds that it took.
    pub over: f64,
}

impl History {
    /// Remembers this check, and returns how budgets grew up to it.
    pub fn add(&mut self, view: &View, seconds: f64) -> Vec<Growth> {
        if self.samples.is_multiple_of(HOLDERS_EVERY) {
            self.remember_holders(view, seconds);
        }
        self.samples += 1;
        let mut before = std::mem::take(&mut self.budgets);
        let mut all = Vec::new();
        for now in budgets(view) {
            // What was not there at the previous check begins anew.
            let mut points = before.remove(&now.key).unwrap_or_default();
            if points.len() >= MAX_SAMPLES {
                points.pop_front();
            }
            points.push_back((seconds, now.used));
            all.extend(growth(&now, &points));
            self.budgets.insert(now.key, points);
        }
        all
    }

    fn remember_holders(&mut self, view: &View, seconds: f64) {
        let mut by = HashMap::default();
        for user in view.users.iter().take(USERS_WITH_HOLDERS) {
            let key = user.key();
            for holder in view.holders(key) {
                by.insert(hash(key, &holder), holder.holds);
            }
        }
        self.holders.push_back(HolderSnapshot { at: seconds, by });
        if self.holders.len() > MAX_SAMPLES / HOLDERS_EVERY + 1 {
            self.holders.pop_front();
        }
    }

    /// Holders whose use of this user's budget has increased since the first snapshot, the largest increase first.
    pub fn increases(
        &self,
        view: &View,
        resource: InotifyResource,
        key: UserKey,
        seconds: f64,
    ) -> Vec<Increase> {
        let Some(then) = self.holders.front() else {
            return Vec::new();
        };
        let risen = |holder: Holder| {
            let before = then.by.get(&hash(key, &holder)).copied();
            let before = before.unwrap_or_default()[resource];
            let by = holder.holds[resource].saturating_sub(before);
            (by > 0).then_some((holder, by))
        };
        let mut all: Vec<_> = view.holders(key).into_iter().filter_map(risen).collect();
        all.sort_by_key(|(_, by)| std::cmp::Reverse(*by));
        let sum: u64 = all.iter().map(|(_, by)| by).sum();
        let over = seconds - then.at;
        let of = |(holder, by)| Increase {
            holder,
            by,
            percent: crate::report::percent(by, sum).unwrap_or_default(),
            over,
        };
        all.into_iter().map(of).collect()
    }
}

fn hash(key: UserKey, holder: &Holder) -> u64 {
    FixedState::default().hash_one((key, &holder.part))
}

fn budgets(view: &View) -> Vec<Reading> {
    let mut all = Vec::new();
    for user in view.users.iter().take(USERS) {
        for resource in InotifyResource::BOTH {
            let budget = user.budget(resource);
            let subject = user.subject();
            all.extend(budget.limit.map(|limit| Reading {
                key: (resource.cause(), subject, resource.unit().to_owned()),
                used: budget.used,
                limit,
            }));
        }
    }
    let mut followed: BTreeMap<(Cause, &str), usize> = BTreeMap::new();
    // They come the fullest first.
    for resource in &view.resources {
        let followed = followed
            .entry((resource.cause, &resource.unit))
            .or_default();
        *followed += 1;
        if *followed <= SUBJECTS {
            all.push(Reading {
                key: (
                    resource.cause,
                    resource.subject.clone(),
                    resource.unit.clone(),
                ),
                used: resource.used,
                limit: resource.limit,
            });
        }
    }
    all
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a rate needs no more than 53 bits"
)]
fn growth(now: &Reading, points: &VecDeque<(f64, u64)>) -> Option<Growth> {
    let ((first, _), (last, _)) = (points.front()?, points.back()?);
    if points.len() < MIN_SAMPLES {
        return None;
    }
    let line: Vec<(f64, f64)> = points.iter().map(|&(x, y)| (x, y as f64)).collect();
    let per_second = median_slope(&line)?;
    let left = now.limit.saturating_sub(now.used) as f64;
    let (cause, subject, unit) = now.key.clone();
    Some(Growth {
        cause,
        subject,
        unit,
        used: now.used,
        limit: now.limit,
        per_second,
        full_in: (per_second > 0.0).then(|| left / per_second),
        samples: points.len(),
        over: last - first,
    })
}
