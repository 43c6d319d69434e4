use std::cmp::Reverse;
use std::collections::VecDeque;

use super::sample::{ALWAYS, Reading};
use crate::model::Provenance;

/// Budgets and workloads that are followed, at most.
pub const MAX_BUDGETS: usize = 48;
/// Workloads that are followed, at most.
pub const MAX_WORKLOADS: usize = 32;
/// A newcomer takes the place of another only from this rank on (percent of a budget, permille of what is held).
const WORTH_A_PLACE: u64 = 20;
/// Points for which memory is taken at once.
const CHUNK: usize = 30;

/// Two figures in one slot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub slot: u32,
    pub provenance: Provenance,
    pub figures: [u64; 2],
}

/// What is known of one budget or workload, at most one point a slot.
#[derive(Clone, Debug)]
pub(super) struct Track<K> {
    pub id: u32,
    pub key: K,
    pub points: VecDeque<Point>,
    /// The highest rank since it is followed.
    rank: u64,
}

impl<K> Track<K> {
    pub fn new(id: u32, key: K) -> Self {
        Self {
            id,
            key,
            points: VecDeque::new(),
            rank: 0,
        }
    }

    /// Adds to a slot, the last one or a later one.
    pub fn put(&mut self, slot: u32, figures: [u64; 2], provenance: Provenance, second: Second) {
        match self.points.back_mut() {
            Some(last) if last.slot == slot => {
                last.figures = second.join(last.figures, figures);
                last.provenance = last.provenance.and(provenance);
            }
            _ => {
                if self.points.len() == self.points.capacity() {
                    self.points.reserve_exact(CHUNK);
                }
                self.points.push_back(Point {
                    slot,
                    provenance,
                    figures,
                });
            }
        }
    }

    /// The last slot in which it was there.
    fn last(&self) -> Option<u32> {
        let mut newest_first = self.points.iter().rev();
        Some(newest_first.find(|point| point.figures != [0, 0])?.slot)
    }

    /// The point of a slot.
    pub fn at(&self, slot: u32) -> Option<&Point> {
        let at = self.points.binary_search_by_key(&slot, |point| point.slot);
        at.ok().and_then(|at| self.points.get(at))
    }
}

/// What becomes of the second figure where a slot has several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Second {
    /// A limit.
    Latest,
    /// Something held.
    Highest,
}

impl Second {
    /// Of several figures the first is the highest.
    pub fn join(self, before: [u64; 2], now: [u64; 2]) -> [u64; 2] {
        let second = match self {
            Self::Latest => now[1],
            Self::Highest => before[1].max(now[1]),
        };
        [before[0].max(now[0]), second]
    }
}

/// Everything of one kind that is followed.
#[derive(Clone, Debug)]
pub(super) struct Tracks<K> {
    pub all: Vec<Track<K>>,
    pub second: Second,
    most: usize,
    /// How many of the last collection are not followed.
    pub omitted: u64,
}

impl<K: Clone + PartialEq> Tracks<K> {
    pub fn new(most: usize, second: Second) -> Self {
        Self {
            all: Vec::new(),
            second,
            most,
            omitted: 0,
        }
    }

    /// Adds a collection to a slot; new ids come from `ids`.
    pub fn add(&mut self, slot: u32, mut readings: Vec<Reading<K>>, ids: &mut u32) {
        readings.sort_by_key(|reading| Reverse(reading.rank));
        let (all, second) = (readings.len(), self.second);
        let mut followed = 0;
        for reading in readings {
            if let Some(track) = self.follow(&reading.key, reading.rank, slot, ids) {
                track.put(slot, reading.figures, reading.provenance, second);
                followed += 1;
            }
        }
        self.omitted = all.saturating_sub(followed) as u64;
    }

    /// The track of `key`, begun in this slot if there is none and there is a place for it.
    fn follow(&mut self, key: &K, rank: u64, slot: u32, ids: &mut u32) -> Option<&mut Track<K>> {
        let known = self.all.iter().position(|track| track.key == *key);
        let place = match known {
            Some(place) => place,
            None if self.make_room(rank, slot) => {
                *ids = ids.wrapping_add(1);
                self.all.push(Track::new(*ids, key.clone()));
                self.all.len() - 1
            }
            None => return None,
        };
        let track = self.all.get_mut(place)?;
        track.rank = track.rank.max(rank);
        Some(track)
    }

    /// Whether there is a place, for which one may have to go: what has gone itself and never mattered, or what matters least.
    fn make_room(&mut self, rank: u64, slot: u32) -> bool {
        if self.all.len() < self.most {
            return true;
        }
        let ranks = self.all.iter().map(|track| track.rank).enumerate();
        let Some((least, lowest)) = ranks.min_by_key(|(_, rank)| *rank) else {
            return false;
        };
        let is_worth_it = rank > lowest && rank >= WORTH_A_PLACE && lowest < ALWAYS;
        let gone = self.all.iter().position(|track| {
            track.rank < WORTH_A_PLACE && track.last().is_none_or(|last| last + 1 < slot)
        });
        let going = gone.or_else(|| is_worth_it.then_some(least));
        if let Some(going) = going {
            self.all.swap_remove(going);
        }
        going.is_some()
    }

    /// Drops points of slots before `first`, and what has none left.
    pub fn forget(&mut self, first: u32) {
        for track in &mut self.all {
            while track.points.front().is_some_and(|point| point.slot < first) {
                track.points.pop_front();
            }
        }
        self.all.retain(|track| !track.points.is_empty());
    }

    /// Bytes of memory that points take.
    pub fn bytes(&self) -> usize {
        let points = self.all.iter().map(|track| track.points.capacity());
        points.sum::<usize>() * size_of::<Point>() + self.all.capacity() * size_of::<Track<K>>()
    }
}
