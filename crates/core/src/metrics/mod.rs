//! What nospace tells Prometheus: the catalogue of families, and a report as text in either of its dialects.
//!
//! Every label set has a most: what is above it is summed as [`OTHER`].

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

/// Value of the labels of a row that sums what has no row of its own.
pub const OTHER: &str = "other";

/// How many pods have rows of their own, where nobody says otherwise.
pub const DEFAULT_TOP: usize = 50;

/// Writes what a look found; `growth` is known only to those who look again and again.
pub fn report(report: &Report, growth: &[Growth], top: usize, out: &mut Exposition) {
    report::write(report, growth, top, out);
}

/// Writes what the agent knows of itself, and what it counts between looks.
pub fn agent(figures: &AgentMetrics, out: &mut Exposition) {
    agent::write(figures, out);
}

#[cfg(test)]
mod tests;
