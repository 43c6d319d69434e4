/// Samples that a leak is based on, at least.
pub const MIN_SAMPLES: usize = 8;
/// Seconds of a window, at least: what rises and falls again within less is seen to fall.
pub const MIN_SECONDS: f64 = 540.0;
/// Seconds from a later beginning, at least: of these, 11/16 grow for sure, which is as long as what rises and falls may.
const MIN_SECONDS_LATER: f64 = 780.0;
/// A later beginning leaves this part of the time.
const NEXT_LENGTH: f64 = 0.8;
/// Times that the value must have risen.
const MIN_RISES: usize = 4;
/// Points that are kept. Beyond that the older ones are left out, each as far from its neighbours as it is old: a leak that began lately
/// must show as well as one that takes days.
const MAX_POINTS: usize = 240;
/// Parts that the window is divided into; each must have its share of the growth.
const PARTS: usize = 4;

/// A value since the workload started, or fell.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// With the number of the sample: not all are kept.
    points: Vec<(usize, Point)>,
    /// Samples, those that are left out included.
    samples: usize,
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
        if let Some((_, last)) = self.points.last()
            && last.value > point.value.saturating_add(tolerance(last.value))
        {
            let peak = self.peak.max(self.highest());
            *self = Self {
                peak,
                ..Self::default()
            };
        }
        self.points.push((self.samples, point));
        self.samples += 1;
        if self.points.len() > MAX_POINTS
            && let Some(least) = self.least()
        {
            self.points.remove(least);
        }
    }

    /// The point that says least: neither the first nor the last one.
    fn least(&self) -> Option<usize> {
        let (_, last) = self.points.last()?;
        let gaps = self.points.windows(3).map(|three| {
            let [before, it, after] = [0, 1, 2].map(|n| three[n].1.at);
            (after - before) / (last.at - it).max(f64::MIN_POSITIVE)
        });
        let least = gaps.enumerate().min_by(|(_, a), (_, b)| a.total_cmp(b));
        least.map(|(place, _)| place + 1)
    }

    fn highest(&self) -> u64 {
        self.points.iter().map(|(_, p)| p.value).max().unwrap_or(0)
    }

    /// The growth of this window, if it is one that only ever grows. The window that counts begins where the value passed
    /// everything before a fall. A leak may begin long after the workload did, so later beginnings are tried as well, earlier ones first.
    pub fn growth(&self) -> Option<Growth> {
        let from = self
            .points
            .iter()
            .position(|(_, p)| p.value > self.peak || self.peak == 0)?;
        let mut points = self.points.get(from..)?;
        let (_, last) = *points.last()?;
        let mut least = MIN_SECONDS;
        loop {
            let (number, first) = *points.first()?;
            let over = last.at - first.at;
            let samples = self.samples - number;
            if samples < MIN_SAMPLES || over < least || last.value <= first.value {
                return None;
            }
            if only_grows(points) {
                return Some(Growth {
                    first,
                    last,
                    samples,
                });
            }
            least = MIN_SECONDS_LATER;
            let begin = last.at - over * NEXT_LENGTH;
            let next = points.iter().position(|(_, p)| p.at >= begin)?;
            points = points.get(next.max(1)..)?;
        }
    }
}

/// Whether it rises often, hardly falls, and all the time.
fn only_grows(points: &[(usize, Point)]) -> bool {
    let (mut rises, mut risen, mut fallen, mut largest) = (0, 0, 0, 0);
    for pair in points.windows(2) {
        let (a, b) = (pair[0].1.value, pair[1].1.value);
        if b > a {
            rises += 1;
            risen += b - a;
            largest = largest.max(b - a);
        } else {
            fallen += a - b;
        }
    }
    let ends = points.first().zip(points.last());
    let by = ends.map_or(0, |((_, a), (_, b))| b.value.saturating_sub(a.value));
    // Noise falls as much as it rises; a step is most of the growth.
    rises >= MIN_RISES && fallen * 5 <= risen && largest * 2 <= by && is_spread(points, by)
}

/// What a value may fall by that goes on growing: a file that is closed, a process that ends.
fn tolerance(value: u64) -> u64 {
    (value / 50).max(1)
}

/// Every part of the window has some of the growth, and no part most of it; the newest has at least half of its share.
fn is_spread(points: &[(usize, Point)], by: u64) -> bool {
    let (Some((_, first)), Some((_, last))) = (points.first(), points.last()) else {
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
        let at_end = points.iter().take_while(|(_, p)| p.at <= end).last();
        let value = at_end.map_or(before, |(_, p)| p.value);
        shares.push(value.saturating_sub(before));
        before = value;
    }
    let fair = by / parts as u64;
    let newest = shares.last().copied().unwrap_or(0);
    shares.iter().all(|&share| share > 0 && share * 4 >= fair)
        && shares.iter().all(|&share| share * 5 <= by * 3)
        && newest * 2 >= fair
}
