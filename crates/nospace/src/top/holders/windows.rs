use std::collections::{HashMap, VecDeque};

use nospace_core::model::Pair;

use super::key::{Grouping, Identity, Key};
use crate::top::sample::Sample;

/// A change a minute is measured over this long, in seconds.
const SPAN: f64 = 60.0;
/// Seconds between two points that are kept.
const SPACING: f64 = 4.5;

/// What each holder has in one sample.
pub type Sums = HashMap<Key, Pair<u64>>;

/// What holders had in the last minute.
#[derive(Clone, Debug, Default)]
pub struct Windows {
    points: HashMap<Key, VecDeque<Point>>,
    /// When the sample before the last one was taken.
    before: Option<f64>,
}

#[derive(Clone, Copy, Debug)]
struct Point {
    seconds: f64,
    held: Pair<u64>,
}

/// What the holders of one grouping have: each instance once a holder, however many of its processes hold it.
#[must_use]
pub fn sums(sample: &Sample, grouping: Grouping) -> Sums {
    let processes = sample.report.processes.iter();
    let keys: HashMap<u32, Key> = processes
        .map(|process| {
            (
                process.pid,
                grouping.key(&Identity::of(process, &sample.report.node.name)),
            )
        })
        .collect();
    let mut sums = Sums::default();
    for instance in &sample.instances {
        let mut holders: Vec<&Key> = instance
            .pids
            .iter()
            .filter_map(|pid| keys.get(pid))
            .collect();
        holders.sort_unstable();
        holders.dedup();
        for key in holders {
            let sum = match sums.get_mut(key) {
                Some(sum) => sum,
                None => sums.entry(key.clone()).or_default(),
            };
            sum.instances += 1;
            sum.watches += instance.watches;
        }
    }
    sums
}

impl Windows {
    /// Remembers what everyone has now, by every grouping.
    pub fn add(&mut self, sample: &Sample) {
        let now = sample.seconds;
        let mut old = std::mem::take(&mut self.points);
        for grouping in Grouping::ALL {
            for (key, held) in sums(sample, grouping) {
                let mut points = old.remove(&key).unwrap_or_else(|| self.newcomer());
                let due = |last: &Point| now - last.seconds >= SPACING;
                if points.back().is_none_or(due) {
                    points.push_back(Point { seconds: now, held });
                }
                while points.len() > 1 && points.front().is_some_and(|p| now - p.seconds > SPAN) {
                    points.pop_front();
                }
                self.points.insert(key, points);
            }
        }
        self.before = Some(now);
    }

    /// A holder that the previous sample did not have held nothing then.
    fn newcomer(&self) -> VecDeque<Point> {
        let nothing = |seconds| Point {
            seconds,
            held: Pair::default(),
        };
        self.before.map(nothing).into_iter().collect()
    }

    /// How much more `key` has than it had, a minute; `None` until it was seen for some seconds.
    #[must_use]
    pub fn per_minute(&self, key: &Key, now: f64, held: Pair<u64>) -> Option<Pair<f64>> {
        let first = self.points.get(key)?.front()?;
        let minutes = (now - first.seconds) / 60.0;
        (now - first.seconds >= SPACING).then(|| Pair {
            instances: difference(held.instances, first.held.instances) / minutes,
            watches: difference(held.watches, first.held.watches) / minutes,
        })
    }
}

/// `now` less `before`.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "a rate needs no more than 53 bits"
)]
pub fn difference(now: u64, before: u64) -> f64 {
    now as f64 - before as f64
}
