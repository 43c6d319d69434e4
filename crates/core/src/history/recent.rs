use std::collections::{BTreeMap, VecDeque};

use super::record::{SlotRecord, TrackName};
use super::sample::{BudgetKey, Held, NO_LIMIT, Reading, Sample};
use super::track::{MAX_BUDGETS, MAX_WORKLOADS, Second, Tracks};
use crate::model::percent;
use crate::report::Status;
use crate::workload::Workload;

/// Points that a series has, at most.
pub const SLOTS: usize = 360;
/// Causes of refusals that a slot names; the rest is `other`.
const CAUSES: usize = 4;
const OTHER: &str = "other";
/// Bytes of the name of a cause from a file.
const MAX_CAUSE: usize = 128;

/// A part of the time that is kept: what was collected in it is one point.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Slot {
    pub number: u32,
    pub first: i64,
    pub last: i64,
    pub collections: u32,
    pub every: i64,
    /// The agent started.
    pub starts: bool,
    pub status: Status,
    pub refusals: Option<Vec<(String, u64)>>,
}

/// The last hours. Memory is bounded: at most [`SLOTS`] points of [`MAX_BUDGETS`] budgets and [`MAX_WORKLOADS`] workloads.
#[derive(Clone, Debug)]
pub struct Recent {
    /// Milliseconds that are kept, and that one slot lasts.
    keep: i64,
    step: i64,
    pub(super) slots: VecDeque<Slot>,
    pub(super) budgets: Tracks<BudgetKey>,
    pub(super) workloads: Tracks<Workload>,
    next: u32,
    ids: u32,
    /// The next sample is the first since the agent started.
    starting: bool,
}

impl Recent {
    /// Keeps the last `keep` milliseconds.
    #[must_use]
    pub fn new(keep: i64) -> Self {
        let keep = keep.max(1);
        Self {
            keep,
            #[expect(clippy::cast_possible_wrap, reason = "360")]
            step: (keep / SLOTS as i64).max(1),
            slots: VecDeque::new(),
            budgets: Tracks::new(MAX_BUDGETS, Second::Latest),
            workloads: Tracks::new(MAX_WORKLOADS, Second::Highest),
            next: 0,
            ids: 0,
            starting: true,
        }
    }

    /// Milliseconds that are kept.
    #[must_use]
    pub fn keep(&self) -> i64 {
        self.keep
    }

    /// Milliseconds that one point stands for.
    #[must_use]
    pub fn step(&self) -> i64 {
        self.step
    }

    /// When the newest collection was.
    #[must_use]
    pub fn newest(&self) -> Option<i64> {
        Some(self.slots.back()?.last)
    }

    /// Adds a collection.
    pub fn add(&mut self, sample: Sample) {
        let starts = std::mem::take(&mut self.starting);
        let refusals = sample.refusals.map(|all| capped(all.into_iter()));
        let slot = self.slot(Slot {
            number: 0,
            first: sample.at,
            last: sample.at,
            collections: 1,
            every: sample.every,
            starts,
            status: sample.status,
            refusals,
        });
        self.budgets.add(slot, sample.budgets, &mut self.ids);
        if let Some(workloads) = sample.workloads {
            self.workloads.add(slot, workloads, &mut self.ids);
            // A workload that is not there holds nothing. In a slot that has a point the highest counts.
            for track in &mut self.workloads.all {
                if track.points.back().is_none_or(|last| last.slot != slot) {
                    let exact = crate::model::Provenance::Exact;
                    track.put(slot, [0, 0], exact, Second::Highest);
                }
            }
        }
        self.forget();
    }

    /// The slot that this belongs to, by its number.
    fn slot(&mut self, new: Slot) -> u32 {
        let step = self.step;
        let of_same = |last: &&mut Slot| {
            !new.starts
                && new.first >= last.last
                && last.first.div_euclid(step) == new.first.div_euclid(step)
        };
        if let Some(last) = self.slots.back_mut().filter(of_same) {
            last.last = new.last;
            last.every = new.every;
            last.collections = last.collections.saturating_add(new.collections);
            last.status = last.status.max(new.status);
            last.refusals = sum(last.refusals.take(), new.refusals);
            return last.number;
        }
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        self.slots.push_back(Slot { number, ..new });
        number
    }

    fn forget(&mut self) {
        let Some(newest) = self.newest() else {
            return;
        };
        let oldest = newest.saturating_sub(self.keep);
        while self.slots.len() > SLOTS || self.slots.front().is_some_and(|slot| slot.last < oldest)
        {
            self.slots.pop_front();
        }
        if let Some(first) = self.slots.front().map(|slot| slot.number) {
            self.budgets.forget(first);
            self.workloads.forget(first);
        }
        self.workloads
            .all
            .retain(|track| track.points.iter().any(|point| point.figures != [0, 0]));
    }

    /// Every slot, the oldest first.
    pub fn records(&self) -> impl Iterator<Item = SlotRecord> + '_ {
        self.slots.iter().map(|slot| self.record(slot))
    }

    /// The newest slot.
    #[must_use]
    pub fn newest_record(&self) -> Option<SlotRecord> {
        self.slots.back().map(|slot| self.record(slot))
    }

    fn record(&self, slot: &Slot) -> SlotRecord {
        let budgets = self.budgets.all.iter().filter_map(|track| {
            let point = track.at(slot.number)?;
            let [used, limit] = point.figures;
            let limit = (limit != NO_LIMIT).then_some(limit);
            Some((track.id, used, limit, point.provenance))
        });
        let workloads = self.workloads.all.iter().filter_map(|track| {
            let point = track.at(slot.number)?;
            let [watches, instances] = point.figures;
            Some((track.id, watches, instances, point.provenance))
        });
        SlotRecord {
            first: slot.first,
            last: slot.last,
            collections: slot.collections,
            every: slot.every,
            starts: slot.starts,
            status: slot.status,
            refusals: slot.refusals.clone(),
            budgets: budgets.collect(),
            workloads: workloads.collect(),
        }
    }

    /// What the numbers in records stand for.
    pub fn names(&self) -> impl Iterator<Item = (u32, TrackName)> + '_ {
        let budgets = self.budgets.all.iter();
        let budgets = budgets.map(|track| (track.id, TrackName::Budget(track.key.clone())));
        let workloads = self.workloads.all.iter();
        budgets.chain(workloads.map(|track| (track.id, TrackName::Workload(track.key.clone()))))
    }

    /// Adds a slot of an earlier run, later than those before; what `names` does not know is left out.
    pub fn put(&mut self, record: SlotRecord, names: &BTreeMap<u32, TrackName>) {
        let is_later = self.newest().is_none_or(|newest| record.first >= newest);
        if !is_later || record.last < record.first {
            return;
        }
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        let refusals = record.refusals.map(|all| {
            let all = all.into_iter().filter(|(name, _)| name.len() <= MAX_CAUSE);
            capped(all)
        });
        self.slots.push_back(Slot {
            number,
            first: record.first,
            last: record.last,
            collections: record.collections,
            every: record.every.max(1),
            starts: record.starts,
            status: record.status,
            refusals,
        });
        let budgets = record.budgets.into_iter().filter_map(|point| {
            let (id, used, limit, provenance) = point;
            let Some(TrackName::Budget(key)) = names.get(&id) else {
                return None;
            };
            Some(Reading {
                key: key.clone(),
                figures: [used, limit.unwrap_or(NO_LIMIT)],
                provenance,
                rank: limit.and_then(|limit| percent(used, limit)).unwrap_or(0),
            })
        });
        self.budgets.add(number, budgets.collect(), &mut self.ids);
        let held = Held::sum(record.workloads.iter().map(|point| [point.1, point.2]));
        let workloads = record.workloads.into_iter().filter_map(|point| {
            let (id, watches, instances, provenance) = point;
            let Some(TrackName::Workload(key)) = names.get(&id) else {
                return None;
            };
            Some(Reading {
                key: key.clone(),
                figures: [watches, instances],
                provenance,
                rank: held.rank([watches, instances]),
            })
        });
        self.workloads
            .add(number, workloads.collect(), &mut self.ids);
        self.forget();
    }

    /// Bytes of memory that points take, without names.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.budgets.bytes() + self.workloads.bytes() + self.slots.capacity() * size_of::<Slot>()
    }
}

type Refusals = Vec<(String, u64)>;

fn capped(all: impl Iterator<Item = (String, u64)>) -> Refusals {
    let none = Refusals::new();
    all.filter(|(_, calls)| *calls > 0)
        .fold(none, |mut sum, (cause, calls)| {
            count(&mut sum, cause, calls);
            sum
        })
}

fn count(all: &mut Refusals, cause: String, calls: u64) {
    let is_full = all.len() >= CAUSES && !all.iter().any(|(known, _)| *known == cause);
    let cause = if is_full { OTHER.to_owned() } else { cause };
    match all.iter_mut().find(|(known, _)| *known == cause) {
        Some((_, sum)) => *sum = sum.saturating_add(calls),
        None => all.push((cause, calls)),
    }
}

/// Known as soon as one is: what was counted was refused.
pub(super) fn sum(a: Option<Refusals>, b: Option<Refusals>) -> Option<Refusals> {
    match (a, b) {
        (Some(mut a), Some(b)) => {
            for (cause, calls) in b {
                count(&mut a, cause, calls);
            }
            Some(a)
        }
        (a, b) => a.or(b),
    }
}
