use std::sync::Arc;
use std::time::{Duration, Instant};

use nospace_core::report::Report;

/// What one look brought. Never changed: the next look makes another.
#[derive(Clone, Debug)]
pub struct Seen {
    /// How many looks there were, this one included.
    pub number: u64,
    /// What it found. Findings of the agent's own (growth) are among the report's.
    pub report: Report,
    /// When it was done.
    pub at: Instant,
    /// How long it took.
    pub took: Duration,
}

/// Where the newest look is to be had; `None` before the first.
pub type News = tokio::sync::watch::Receiver<Option<Arc<Seen>>>;
