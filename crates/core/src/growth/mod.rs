//! How fast budgets grow, and when they are full.
//!
//! ```text
//! View, check after check ─▶ History ─ slope ─▶ Growth ─ finding ─▶ Finding (rule `growth`)
//! ```
//!
//! The rate of a budget is the median of the slopes between every two of the last [`MAX_SAMPLES`] checks (the Theil–Sen estimator): up to
//! 29 % of them may be outliers, such as a pod that started with all its watches, without moving it much. A budget is full when
//! what is left of it has gone at that rate.

mod finding;
mod history;
mod rate;
mod slope;

pub use finding::{findings, rate, span, whole};
pub use history::{ENOUGH_SAMPLES, History, MAX_SAMPLES, MIN_SAMPLES};
pub use rate::Growth;

#[cfg(test)]
mod tests;
