//! Medians, ranges and ratios.

use super::programs::Run;

/// One turn of every program, in their order.
pub type Round = Vec<Run>;

/// Some measurements of one thing.
pub struct Figures(Vec<f64>);

impl Figures {
    /// `what` of every round.
    pub fn of(rounds: &[Round], what: impl Fn(&Round) -> f64) -> Self {
        Self::new(rounds.iter().map(what).collect())
    }

    /// These, in any order.
    pub fn new(mut all: Vec<f64>) -> Self {
        all.sort_unstable_by(f64::total_cmp);
        Self(all)
    }

    /// Milliseconds of the program at `place`.
    pub fn milliseconds(rounds: &[Round], place: usize) -> Self {
        Self::of(rounds, |round| milliseconds(&round[place]))
    }

    /// The middle one; of an even number the mean of the two.
    pub fn median(&self) -> f64 {
        let half = self.0.len() / 2;
        match self.0.get(half) {
            None => f64::NAN,
            Some(upper) if self.0.len() % 2 == 1 => *upper,
            Some(upper) => f64::midpoint(self.0[half - 1], *upper),
        }
    }

    /// The least.
    pub fn min(&self) -> f64 {
        self.0.first().copied().unwrap_or(f64::NAN)
    }

    /// The greatest.
    pub fn max(&self) -> f64 {
        self.0.last().copied().unwrap_or(f64::NAN)
    }
}

/// From start to end.
pub fn milliseconds(run: &Run) -> f64 {
    run.measured.time.as_secs_f64() * 1e3
}

/// What nospace says that its collector took.
pub fn collector(run: &Run) -> f64 {
    run.counts
        .collector
        .map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
}
