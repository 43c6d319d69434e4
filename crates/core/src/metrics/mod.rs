//! Metrics for Prometheus: the catalogue of families, and a report as text in either dialect.
//!
//! The number of label sets is capped; the rest is summed as [`OTHER`].

mod agent;
mod family;
mod guard;
mod page;
mod report;
mod text;

pub use agent::{AgentMetrics, InotifyRefusals, ProcessMetrics, write as agent};
pub use family::{Family, Kind, families};
pub use guard::{BudgetMetrics, GuardMetrics, GuardedCalls};
pub use page::page;
pub use report::write as report;
pub use text::{Dialect, Exposition};

/// Label value of a row that sums what has no row of its own.
pub const OTHER: &str = "other";

/// Default number of pods with rows of their own.
pub const DEFAULT_TOP: usize = 50;

#[cfg(test)]
mod tests;
