//! Which pods use more than their budget, and which of them are reported.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use nospace_bpf::accounting::{Accounting, UserKey};
use nospace_core::model::{InotifyResource, Pair};

use super::kinds::ORDER;
use super::lines::OverBudget;

/// How often pods are looked at: it takes a pass over all descriptors of the node.
const LOOK: Duration = Duration::from_secs(10);
/// A pod over its budget often stays there.
const INTERVAL: Duration = Duration::from_secs(60);

/// Processes of pods by the pod's cgroup, or why they could not be read.
pub type Processes = BTreeMap<u64, Result<BTreeSet<u32>, String>>;

/// What pods use, likewise.
pub type Used = BTreeMap<u64, Result<Pair<u64>, String>>;

/// Parses the budget of a pod.
///
/// # Errors
///
/// What was expected.
pub fn parse_budget(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) => Err("a budget has at least 1; without the option there is no budget".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("expected a number".to_owned()),
    }
}

/// What each pod uses of what `user` is charged for. An instance counts once for each pod that has a descriptor of it, with all its watches.
#[must_use]
pub fn used(accounting: &Accounting, user: UserKey, pods: &Processes) -> Used {
    let mut pod_of = HashMap::new();
    for (pod, processes) in pods {
        let processes = processes.iter().flatten();
        pod_of.extend(processes.map(|pid| (*pid, *pod)));
    }
    let mut sums: BTreeMap<u64, Pair<u64>> = BTreeMap::new();
    for instance in &accounting.instances {
        let holders = instance.holders.iter();
        let pods: BTreeSet<u64> = holders
            .filter_map(|holder| pod_of.get(&holder.pid).copied())
            .collect();
        if pods.is_empty() || !accounting.draws_on(instance, user) {
            continue;
        }
        for pod in pods {
            let sum = sums.entry(pod).or_default();
            *sum = sum.plus(Pair::of(1, instance.watches));
        }
    }
    let of = |(pod, processes): (&u64, &Result<_, String>)| {
        let sum = sums.get(pod).copied().unwrap_or_default();
        (*pod, processes.as_ref().map(|_| sum).map_err(Clone::clone))
    };
    pods.iter().map(of).collect()
}

/// Follows pods and their budgets.
#[derive(Debug, Default)]
pub struct Budgets {
    /// `None` where a resource has none.
    budget: Pair<Option<u64>>,
    looked: Option<Duration>,
    seen: Option<Seen>,
    reported: BTreeMap<u64, Reported>,
    /// Pods that could not be read, as far as that was reported.
    reported_unreadable: usize,
}

/// What the last look found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Pods over a budget, and by how much.
    pub over: BTreeMap<u64, Pair<u64>>,
    /// Pods that were looked at.
    pub looked_at: usize,
    /// Pods that could not be, which may use any number.
    pub unreadable: usize,
}

/// What is to be reported of a look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DueOver {
    /// Pods over a budget.
    pub pods: Vec<(u64, Vec<OverBudget>)>,
    /// More pods than ever could not be read: how many, and why not one of them.
    pub unreadable: Option<(usize, String)>,
}

/// What was reported of a pod.
#[derive(Debug, Default)]
struct Reported {
    at: Option<Duration>,
    /// By how much it was over; 0 where it has been within its budget since.
    over: Pair<u64>,
    ever: Pair<bool>,
}

impl Budgets {
    /// For these budgets of a pod.
    #[must_use]
    pub fn new(budget: Pair<Option<u64>>) -> Self {
        Self {
            budget,
            ..Self::default()
        }
    }

    /// The budgets; `None` where there are none.
    #[must_use]
    pub fn budget(&self) -> Option<Pair<Option<u64>>> {
        (self.budget != Pair::default()).then_some(self.budget)
    }

    /// What the last look found; `None` before the first.
    #[must_use]
    pub fn seen(&self) -> Option<&Seen> {
        self.seen.as_ref()
    }

    /// Whether to look at `now`.
    #[must_use]
    pub fn is_due(&self, now: Duration) -> bool {
        let is_early = |looked: Duration| now.saturating_sub(looked) < LOOK;
        self.budget().is_some() && !self.looked.is_some_and(is_early)
    }

    /// Takes what pods use at `now`. To be reported is each pod that is newly over a budget, or by another number than was reported, at most
    /// once a minute.
    pub fn take(&mut self, used: &Used, now: Duration) -> DueOver {
        self.looked = Some(now);
        self.reported.retain(|pod, _| used.contains_key(pod));
        let mut seen = Seen::default();
        let mut due = DueOver::default();
        let mut why = None;
        for (pod, used) in used {
            let used = match used {
                Ok(used) => *used,
                Err(error) => {
                    seen.unreadable += 1;
                    why.get_or_insert(error);
                    continue;
                }
            };
            seen.looked_at += 1;
            let over = Pair::new(|one| match self.budget[one] {
                Some(budget) => used[one].saturating_sub(budget),
                None => 0,
            });
            if over != Pair::default() {
                seen.over.insert(*pod, over);
            }
            let first = self.reported.entry(*pod).or_default().due(over, now);
            let resources = first.map(|first| self.lines(used, first));
            due.pods.extend(resources.map(|lines| (*pod, lines)));
        }
        if let Some(why) = why.filter(|_| seen.unreadable > self.reported_unreadable) {
            self.reported_unreadable = seen.unreadable;
            due.unreadable = Some((seen.unreadable, why.clone()));
        }
        self.seen = Some(seen);
        due
    }

    fn lines(&self, used: Pair<u64>, first: Pair<bool>) -> Vec<OverBudget> {
        let over = |resource: InotifyResource| {
            let budget = self.budget[resource].filter(|budget| used[resource] > *budget)?;
            Some(OverBudget {
                resource,
                used: used[resource],
                budget,
                first: first[resource],
            })
        };
        ORDER.into_iter().filter_map(over).collect()
    }
}

impl Reported {
    /// Whether to report that a pod is over its budgets by `over`, and of which for the first time.
    fn due(&mut self, over: Pair<u64>, now: Duration) -> Option<Pair<bool>> {
        for one in InotifyResource::BOTH {
            if over[one] == 0 {
                self.over[one] = 0;
            }
        }
        let is_early = |at: Duration| now.saturating_sub(at) < INTERVAL;
        if over == self.over || self.at.is_some_and(is_early) {
            return None;
        }
        let before = self.ever;
        self.at = Some(now);
        self.over = over;
        self.ever = Pair::new(|one| before[one] || over[one] > 0);
        Some(before.map(|ever| !ever))
    }
}

#[cfg(test)]
#[path = "budgets_tests.rs"]
mod tests;
