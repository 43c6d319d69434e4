use std::collections::VecDeque;

/// Samples that a leak is based on, at least.
pub const MIN_SAMPLES: usize = 8;
/// Seconds of a window, at least: what rises and falls again within less is seen to fall.
pub const MIN_SECONDS: f64 = 540.0;
/// Times that the value must have risen.
const MIN_RISES: usize = 4;
/// Points that are kept; beyond that every other one is left out.
const MAX_POINTS: usize = 240;
/// Parts that the window is divided into; each must have its share of the growth.
const PARTS: usize = 4;

/// A value since the workload started, or fell.
#[derive(Clone, Debug, Default)]
pub struct Window {
    points: VecDeque<Point>,
    /// Samples, those that are left out included.
    samples: usize,
    /// Only one in so many samples is kept.
    stride: usize,
    skipped: usize,
    /// The highest value before the last fall.
    peak: u64,
}

/// One sample.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// Seconds of a clock that nobody sets.
    pub at: f64,
    /// Units.
    pub value: u64,
    /// Units of the other resource: watches beside instances.
    pub other: u64,
    /// Use of the budget.
    pub used: u64,
}

/// How a value grew.
#[derive(Clone, Copy, Debug)]
pub struct Growth {
    /// Where the growth began and where it is.
    pub first: Point,
    /// The newest sample.
    pub last: Point,
    /// Samples.
    pub samples: usize,
}

impl Window {
    /// Forgets everything: the workload started anew.
    pub fn restart(&mut self) {
        *self = Self::default();
    }

    /// Adds the newest sample.
    pub fn add(&mut self, point: Point) {
        if let Some(last) = self.points.back().copied() {
            if last.value > point.value.saturating_add(tolerance(last.value)) {
                let peak = self.peak.max(self.highest());
                *self = Self {
                    peak,
                    ..Self::default()
                };
            } else if self.skipped + 1 < self.stride {
                self.skipped += 1;
                self.samples += 1;
                return;
            }
        }
        self.skipped = 0;
        self.samples += 1;
        self.points.push_back(point);
        if self.points.len() > MAX_POINTS {
            let mut number = 0;
            self.points.retain(|_| {
                number += 1;
                number % 2 == 1
            });
            self.stride = self.stride.max(1) * 2;
        }
    }

    fn highest(&self) -> u64 {
        self.points.iter().map(|p| p.value).max().unwrap_or(0)
    }

    /// The growth of this window, if it is one that only ever grows. The window that counts begins where the value passed
    /// everything before a fall.
    pub fn growth(&self) -> Option<Growth> {
        let from = self
            .points
            .iter()
            .position(|p| p.value > self.peak || self.peak == 0)?;
        let points: Vec<Point> = self.points.range(from..).copied().collect();
        let (first, last) = (*points.first()?, *points.last()?);
        let samples = self.samples.saturating_sub(from * self.stride.max(1));
        let over = last.at - first.at;
        if samples < MIN_SAMPLES || over < MIN_SECONDS || last.value <= first.value {
            return None;
        }
        let by = last.value - first.value;
        let (mut rises, mut risen, mut fallen) = (0, 0, 0);
        let mut steps = Vec::new();
        for pair in points.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            if b.value > a.value {
                rises += 1;
                risen += b.value - a.value;
                steps.push(b.value - a.value);
            } else {
                fallen += a.value - b.value;
            }
        }
        steps.sort_unstable();
        let largest = steps.last().copied().unwrap_or(0);
        // Noise falls as much as it rises; a step is most of the growth.
        let only_grows = rises >= MIN_RISES && fallen * 5 <= risen && largest * 2 <= by;
        (only_grows && is_spread(&points, by)).then_some(Growth {
            first,
            last,
            samples,
        })
    }
}

/// What a value may fall by that goes on growing: a file that is closed, a process that ends.
fn tolerance(value: u64) -> u64 {
    (value / 50).max(1)
}

/// Every part of the window has some of the growth, and no part most of it; the newest has at least half of its share.
fn is_spread(points: &[Point], by: u64) -> bool {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return false;
    };
    let parts = if by < 3 * PARTS as u64 {
        PARTS - 1
    } else {
        PARTS
    };
    #[expect(clippy::cast_precision_loss, reason = "a few parts")]
    let length = (last.at - first.at) / parts as f64;
    let mut before = first.value;
    let mut shares = Vec::new();
    for part in 1..=parts {
        #[expect(clippy::cast_precision_loss, reason = "a few parts")]
        let end = first.at + length * part as f64 + 1e-6;
        let at_end = points.iter().take_while(|p| p.at <= end).last();
        let value = at_end.map_or(before, |p| p.value);
        shares.push(value.saturating_sub(before));
        before = value;
    }
    let fair = by / parts as u64;
    let newest = shares.last().copied().unwrap_or(0);
    shares.iter().all(|&share| share > 0 && share * 4 >= fair)
        && shares.iter().all(|&share| share * 5 <= by * 3)
        && newest * 2 >= fair
}
