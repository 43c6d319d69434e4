//! Metrics for Prometheus: the catalogue of families, and a report as text in either dialect.
//!
//! The number of label sets is capped; the rest is summed as [`OTHER`].

mod agent;
mod family;
mod page;
mod report;
mod text;

pub use agent::{AgentMetrics, InotifyRefusals, ProcessMetrics};
pub use family::{Family, Kind, families};
pub use page::page;
pub use text::{Dialect, Exposition};

use crate::growth::Growth;
use crate::report::Report;

/// Label value of a row that sums what has no row of its own.
pub const OTHER: &str = "other";

/// Default number of pods with rows of their own.
pub const DEFAULT_TOP: usize = 50;

/// Writes the metrics of a report; only the agent knows `growth`.
pub fn report(report: &Report, growth: &[Growth], top: usize, out: &mut Exposition) {
    report::write(report, growth, top, out);
}

/// Writes the agent's own metrics.
pub fn agent(figures: &AgentMetrics, out: &mut Exposition) {
    agent::write(figures, out);
}

#[cfg(test)]
mod tests;
