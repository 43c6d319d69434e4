use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nospace_core::growth::Growth;
use nospace_core::report::Report;

use super::pages::Pages;

/// What one look brought. What it says is never changed: the next look makes another.
#[derive(Debug)]
pub struct Observation {
    /// How many looks there were, this one included.
    pub number: u64,
    /// What it found. Findings of the agent's own (rule `growth`) are among the report's.
    pub report: Report,
    /// When it was done.
    pub finished_at: Instant,
    /// How long it took.
    pub duration: Duration,
    /// How budgets grew up to it; empty until there were enough looks.
    pub growth: Vec<Growth>,
    /// How often `--tune` raised each limit since the agent's start; empty without it.
    pub raise_counts: BTreeMap<&'static str, u64>,
    /// What `--tune` raised since the agent's start, oldest first; the same ones stay in every later look, so that nobody who
    /// misses a look misses them. At most [`LimitRaise::MOST`].
    pub limit_raises: Vec<LimitRaise>,
    /// Its pages, as HTTP serves them.
    pub pages: Pages,
}

/// A limit that `--tune` raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitRaise {
    /// The look after which it was raised.
    pub observation: u64,
    /// The sysctl, `fs.inotify.max_user_watches`.
    pub sysctl: String,
    /// What it was.
    pub from: u64,
    /// What it is now.
    pub to: u64,
    /// Why, in words.
    pub why: String,
}

impl LimitRaise {
    /// So many are remembered.
    pub const MAX: usize = 16;
}

/// Where the newest look is to be had; `None` before the first.
pub type ObservationReceiver = tokio::sync::watch::Receiver<Option<Arc<Observation>>>;

/// Becomes `true` when the agent ends.
pub type ShutdownReceiver = tokio::sync::watch::Receiver<bool>;
