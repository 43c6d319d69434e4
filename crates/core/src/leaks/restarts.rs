use std::collections::{BTreeSet, VecDeque};

use super::window::{MIN_SAMPLES, MIN_SECONDS, Point};
use crate::model::{InotifyResource, Pair};

/// Restarts that must have been followed by growth.
const MIN_RESTARTS: usize = 5;
/// Lives that are kept of each resource.
const MAX_LIVES: usize = 32;
/// A life counts from its second sample on: at the first the workload may still be starting.
const SETTLED: usize = 2;

/// What a workload held in each of its lives. A life ends when containers of it, or processes outside of containers, are replaced by as many others.
/// Only those that hold an instance are seen, and restarts between two samples are seen as one.
#[derive(Clone, Debug, Default)]
pub struct Restarts {
    /// What told one start from the next, in the last sample that counts.
    ids: BTreeSet<String>,
    /// Samples in a row with another number of containers or processes: a rollout, or another size from now on.
    unlike: usize,
    lives: Pair<VecDeque<Life>>,
}

/// From one restart to the next.
#[derive(Clone, Copy, Debug)]
struct Life {
    /// Restarts between the life before that counts and this one.
    restarts: u64,
    samples: usize,
    /// Its first sample.
    begin: Point,
    last: Point,
    low: u64,
    high: u64,
}

/// How a value grew from life to life.
#[derive(Clone, Copy, Debug)]
pub struct Steps {
    /// Units more.
    pub by: u64,
    /// Restarts that they came with.
    pub restarts: u64,
    /// The first sample of the first life.
    pub first: Point,
    /// The first sample of the last life.
    pub last: Point,
    /// Samples of all lives.
    pub samples: usize,
}

impl Life {
    fn new(restarts: u64, begin: Point) -> Self {
        Self {
            restarts,
            samples: 1,
            begin,
            last: begin,
            low: u64::MAX,
            high: 0,
        }
    }

    fn add(&mut self, point: Point) {
        self.samples += 1;
        self.last = point;
        self.low = self.low.min(point.value);
        self.high = self.high.max(point.value);
    }

    fn counts(&self) -> bool {
        self.samples >= SETTLED
    }
}

impl Restarts {
    /// Adds the newest sample.
    pub fn add(&mut self, ids: &BTreeSet<String>, points: &Pair<Point>) {
        if ids.is_empty() {
            return;
        }
        if ids.len() != self.ids.len() {
            self.unlike += 1;
            if !self.ids.is_empty() && self.unlike < MIN_SAMPLES {
                return;
            }
            *self = Self::default();
        }
        self.unlike = 0;
        let restarted = !self.ids.is_empty() && *ids != self.ids;
        if restarted || self.ids.is_empty() {
            self.ids.clone_from(ids);
        }
        for resource in InotifyResource::BOTH {
            let lives = &mut self.lives[resource];
            let point = points[resource];
            match lives.back_mut() {
                Some(life) if !restarted => life.add(point),
                Some(life) if !life.counts() => *life = Life::new(life.restarts + 1, point),
                before => {
                    let restarts = u64::from(before.is_some());
                    lives.push_back(Life::new(restarts, point));
                }
            }
            if lives.len() > MAX_LIVES {
                lives.pop_front();
            }
        }
    }

    /// The growth that came with restarts, and with nothing else.
    pub fn growth(&self, resource: InotifyResource) -> Option<Steps> {
        let lives = self.lives[resource].iter();
        let lives: Vec<Life> = lives.filter(|life| life.counts()).copied().collect();
        let latest = lives.len().checked_sub(MIN_RESTARTS + 1)?;
        (0..=latest).find_map(|first| steps(&lives[first..]))
    }
}

/// These lives, if each held more than the one before, all steps are alike, it was steady in between, and the restarts have not ended.
fn steps(lives: &[Life]) -> Option<Steps> {
    let (first, last) = (lives.first()?, lives.last()?);
    let by = last.low.checked_sub(first.low)?;
    let restarts: u64 = lives.iter().skip(1).map(|life| life.restarts).sum();
    let is_like_others = |pair: &[Life]| {
        let step = pair[1].low.saturating_sub(pair[0].low);
        let mean = by.saturating_mul(pair[1].restarts);
        let like = step.saturating_mul(restarts);
        step > 0 && like.saturating_mul(2) >= mean && like <= mean.saturating_mul(2)
    };
    let is_steady = |life: &Life| {
        let range = life.high - life.low;
        range.saturating_mul(restarts).saturating_mul(2) <= by
    };
    let over = last.begin.at - first.begin.at;
    #[expect(clippy::cast_precision_loss, reason = "a few restarts")]
    let goes_on = last.last.at - last.begin.at <= 2.0 * over / (lives.len() - 1) as f64;
    let samples = lives.iter().map(|life| life.samples).sum();
    let is_growth = lives.windows(2).all(is_like_others)
        && lives.iter().all(is_steady)
        && goes_on
        && over >= MIN_SECONDS
        && samples >= MIN_SAMPLES;
    is_growth.then_some(Steps {
        by,
        restarts,
        first: first.begin,
        last: last.begin,
        samples,
    })
}
