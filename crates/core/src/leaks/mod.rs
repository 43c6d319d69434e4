//! Workloads that only ever grow.
//!
//! ```text
//! View or Report, sample by sample ─▶ Tracker ─ window ─▶ Leak ─▶ Finding (rule `leak`)
//! ```
//!
//! The window of a workload begins when it starts: new containers, or no process of it left that held any before. A fall begins a new window as
//! well, and what was there before the fall is no growth: only what is beyond the highest value before counts. Growth is a leak when the
//! window is long enough and the growth is spread over all of it, or over all of its last part, since a leak may begin long after the
//! workload did: what starts up, scales or steps is none.
//!
//! What grows with each restart never has such a window. [`restarts`] compares what a workload held in its lives, from one restart to the next.

mod finding;
mod restarts;
mod tracker;
mod window;

pub use finding::findings;
pub use tracker::Tracker;
pub use window::{MIN_SAMPLES, MIN_SECONDS};

use crate::model::{InotifyResource, UserKey};
use crate::workload::Workload;

/// A workload that leaks.
#[derive(Clone, Debug, PartialEq)]
pub struct Leak {
    /// Who.
    pub workload: Workload,
    /// What.
    pub resource: InotifyResource,
    /// Whom it is charged to, where that is known.
    pub charged: Option<UserKey>,
    /// Units now.
    pub holds: u64,
    /// Units more since the window began.
    pub by: u64,
    /// Seconds of the window.
    pub over: f64,
    /// Samples in the window.
    pub samples: usize,
    /// Share of the growth of the budget in the window, in percent; `None` where the budget did not grow.
    pub share: Option<u64>,
    /// Units that are left of the budget; `None` where that is not known.
    pub left: Option<u64>,
    /// What it looks like, where that is known.
    pub pattern: Option<Pattern>,
}

/// Patterns of leaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// As many watches more as instances: one instance for each file that is watched.
    InstancePerFile,
    /// Instances more, and no watches: they are opened and never used, or their watches are removed and they are not closed.
    EmptyInstances,
    /// More after each restart, and no more in between: what was held before a restart is not released, or there is more to watch after it.
    FollowsRestarts {
        /// How many restarts were seen.
        restarts: u64,
    },
}

impl Leak {
    /// Units a second.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "a rate needs no more than 53 bits"
    )]
    pub fn per_second(&self) -> f64 {
        self.by as f64 / self.over.max(1.0)
    }

    /// Seconds until the budget is full if nothing but this leak grows.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "a time needs no more than 53 bits"
    )]
    pub fn full_in(&self) -> Option<f64> {
        Some(self.left? as f64 / self.per_second())
    }
}

#[cfg(test)]
mod histories;
#[cfg(test)]
mod tests;
