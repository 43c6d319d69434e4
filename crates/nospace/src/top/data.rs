use std::sync::Arc;
use std::time::Duration;

use super::budgets::BudgetHistory;
use super::holders::Windows;
use super::refusals::{RefusalLog, Tracing};
use super::sample::Sample;
use super::update::Update;

/// All that came in from the node, as far as it is shown.
#[derive(Clone, Debug, Default)]
pub struct Data {
    /// The latest sample.
    pub sample: Option<Arc<Sample>>,
    /// Samples so far.
    pub looks: u64,
    /// Time between samples.
    pub interval: Option<Duration>,
    /// How budgets were used.
    pub budgets: BudgetHistory,
    /// What holders had.
    pub windows: Windows,
    /// What was refused.
    pub refusals: RefusalLog,
}

impl Data {
    /// Takes what came in.
    pub fn take(&mut self, update: Update) {
        match update {
            Update::Sample(sample) => {
                self.windows.add(&sample);
                self.budgets.add(&sample);
                self.looks += 1;
                self.sample = Some(sample);
            }
            Update::Interval(interval) => self.interval = Some(interval),
            Update::TraceBegan => self.refusals.tracing = Tracing::On,
            Update::TraceEnded(why) => self.refusals.tracing = Tracing::Off(why),
            Update::Refusals(refused) => {
                let now = self.sample.as_ref().map_or(0.0, |sample| sample.seconds);
                self.refusals.add(refused, now);
            }
            // These are not about the node.
            Update::Watches { .. } | Update::Moment(_) | Update::Unreadable(_) => {}
        }
    }
}
