use std::collections::{BTreeMap, BTreeSet};

use super::restarts::{Restarts, Steps};
use super::window::{Growth, Point, Window};
use super::{Leak, Pattern};
use crate::diff::{Holding, Holdings};
use crate::model::{InotifyResource, Pair, UserKey};
use crate::report::{User, percent};
use crate::workload::Workload;

/// Workloads that are followed at most: those that hold most.
const MAX_WORKLOADS: usize = 500;
/// Growth that is reported is more than this part of the budget: 1/400.
const LEAST_PART: u64 = 400;

/// Follows what workloads hold from sample to sample. Memory is bounded: 500 workloads, 240 points and 32 restarts of each.
#[derive(Clone, Debug, Default)]
pub struct Tracker {
    by: BTreeMap<Workload, Series>,
}

#[derive(Clone, Debug, Default)]
struct Series {
    windows: Pair<Window>,
    restarts: Restarts,
    ids: BTreeSet<String>,
    charged: Option<UserKey>,
    holds: Pair<u64>,
    left: Pair<Option<u64>>,
    limit: Pair<Option<u64>>,
}

impl Tracker {
    /// Adds a sample, taken at `seconds` by a clock that nobody sets, and finds what leaks up to it, the soonest exhaustion first. A
    /// sample in which most of inotify was out of sight must not be added.
    pub fn add(&mut self, holdings: &Holdings, users: &[User], seconds: f64) -> Vec<Leak> {
        let mut most: Vec<_> = holdings.by.iter().collect();
        most.sort_by_key(|(_, holding)| {
            std::cmp::Reverse((holding.holds.watches, holding.holds.instances))
        });
        most.truncate(MAX_WORKLOADS);
        let mut before = std::mem::take(&mut self.by);
        for (workload, holding) in most {
            let mut series = before.remove(workload).unwrap_or_default();
            series.add(workload, holding, users, seconds);
            self.by.insert(workload.clone(), series);
        }
        let mut leaks: Vec<Leak> = self
            .by
            .iter()
            .flat_map(|(workload, series)| series.leaks(workload))
            .collect();
        leaks.sort_by(|a, b| {
            let time = |leak: &Leak| leak.full_in().unwrap_or(f64::INFINITY);
            time(a).total_cmp(&time(b))
        });
        leaks
    }
}

impl Series {
    fn add(&mut self, workload: &Workload, holding: &Holding, users: &[User], seconds: f64) {
        // New containers start from nothing, more of them need more; so does a program of which no process is left.
        let restarted = !self.ids.is_empty() && self.ids.is_disjoint(&holding.ids);
        let scaled = holding.ids.iter().any(|id| !self.ids.contains(id))
            && holding.ids.len() > self.ids.len();
        if restarted || (scaled && !workload.is_of_processes()) {
            self.windows.instances.restart();
            self.windows.watches.restart();
        }
        self.ids.clone_from(&holding.ids);
        self.charged = holding.charged;
        let user = users
            .iter()
            .find(|user| Some(user.key()) == holding.charged);
        let points = Pair::new(|resource| {
            let budget = user.map(|user| user.budget(resource));
            let other = match resource {
                InotifyResource::Instances => InotifyResource::Watches,
                InotifyResource::Watches => InotifyResource::Instances,
            };
            Point {
                at: seconds,
                value: holding.holds[resource],
                other: holding.holds[other],
                used: budget.map_or(0, |budget| budget.used),
            }
        });
        for resource in InotifyResource::BOTH {
            let budget = user.map(|user| user.budget(resource));
            self.left[resource] = budget.and_then(|budget| budget.free());
            self.limit[resource] = budget.and_then(|budget| budget.limit);
            self.holds[resource] = holding.holds[resource];
            self.windows[resource].add(points[resource]);
        }
        self.restarts.add(&holding.ids, &points);
    }

    fn leaks(&self, workload: &Workload) -> Vec<Leak> {
        let leak = |resource| {
            let growth = match self.restarts.growth(resource) {
                Some(steps) => Grown::with_restarts(steps),
                None => Grown::steadily(resource, self.windows[resource].growth()?),
            };
            let least = self.limit[resource].map_or(0, |limit| limit / LEAST_PART);
            if growth.by <= least {
                return None;
            }
            let (first, last) = (growth.first, growth.last);
            Some(Leak {
                workload: workload.clone(),
                resource,
                charged: self.charged,
                holds: self.holds[resource],
                by: growth.by,
                over: last.at - first.at,
                samples: growth.samples,
                share: percent(growth.by, last.used.saturating_sub(first.used))
                    .map(|share| share.min(100)),
                left: self.left[resource],
                pattern: growth.pattern,
            })
        };
        InotifyResource::BOTH.into_iter().filter_map(leak).collect()
    }
}

/// Growth of either kind.
struct Grown {
    by: u64,
    first: Point,
    last: Point,
    samples: usize,
    pattern: Option<Pattern>,
}

impl Grown {
    fn with_restarts(steps: Steps) -> Self {
        Self {
            by: steps.by,
            first: steps.first,
            last: steps.last,
            samples: steps.samples,
            pattern: Some(Pattern::FollowsRestarts {
                restarts: steps.restarts,
            }),
        }
    }

    fn steadily(resource: InotifyResource, growth: Growth) -> Self {
        Self {
            by: growth.last.value - growth.first.value,
            first: growth.first,
            last: growth.last,
            samples: growth.samples,
            pattern: pattern(resource, &growth),
        }
    }
}

fn pattern(resource: InotifyResource, growth: &Growth) -> Option<Pattern> {
    let by = growth.last.value - growth.first.value;
    let other = growth.last.other.saturating_sub(growth.first.other);
    let (instances, watches) = match resource {
        InotifyResource::Instances => (by, other),
        InotifyResource::Watches => (other, by),
    };
    if resource == InotifyResource::Instances && watches * 10 <= instances {
        Some(Pattern::EmptyInstances)
    } else if instances > 0 && watches * 10 >= instances * 9 && watches * 10 <= instances * 12 {
        Some(Pattern::InstancePerFile)
    } else {
        None
    }
}
