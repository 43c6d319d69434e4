use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use nospace_core::growth::Growth;
use nospace_core::report::Report;

use super::guard::GuardView;
use super::pages::{Page, Pages};

/// The result of one collection. It never changes: the next collection makes another.
#[derive(Debug)]
pub struct Observation {
    /// Number of the collection, from 1.
    pub number: u64,
    /// The report, with the agent's own findings (rule `growth`).
    pub report: Report,
    /// When the collection ended.
    pub finished_at: Instant,
    /// How long the collection took.
    pub duration: Duration,
    /// How fast each budget grows; empty until there were enough collections.
    pub growth: Vec<Growth>,
    /// How often `--tune` has raised each sysctl since the agent started; empty without it.
    pub raise_counts: BTreeMap<&'static str, u64>,
    /// What `--tune` has raised since the agent started, oldest first; kept in later observations, so that a receiver that
    /// misses one still gets them. At most [`LimitRaise::MAX`].
    pub limit_raises: Vec<LimitRaise>,
    /// The agent's guard; `None` where there is to be none.
    pub guard: Option<GuardView>,
    /// Its pages as HTTP serves them.
    pub pages: Pages,
}

impl Observation {
    /// Writes the pages that were asked for of the observation before.
    pub fn write_pages(&self) {
        self.pages.write(&self.report, &self.growth);
    }

    /// A page, as HTTP serves it.
    #[must_use]
    pub fn page(&self, page: Page) -> Bytes {
        self.pages.get(page, &self.report, &self.growth)
    }
}

/// A limit raised by `--tune`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitRaise {
    /// Number of the collection that it was raised in.
    pub observation: u64,
    /// The sysctl, such as `fs.inotify.max_user_watches`.
    pub sysctl: String,
    /// Its value before.
    pub from: u64,
    /// Its value after.
    pub to: u64,
    /// Why.
    pub why: String,
}

impl LimitRaise {
    /// How many are kept.
    pub const MAX: usize = 16;
}

/// Receives the newest observation; `None` before the first.
pub type ObservationReceiver = tokio::sync::watch::Receiver<Option<Arc<Observation>>>;

/// Becomes `true` when the agent shuts down.
pub type ShutdownReceiver = tokio::sync::watch::Receiver<bool>;
