//! How fast budgets grow, and when they are full.
//!
//! ```text
//! View, look after look ─▶ History ─ slope ─▶ Growth ─ found ─▶ Finding (rule `growth`)
//! ```
//!
//! The rate of a budget is the median of the slopes between every two of the last [`LOOKS`] looks (Theil and Sen's): up to 29 % of
//! them may be anything, a pod that came up with all its watches, say, without moving it much. A budget is full when what is left
//! of it has gone at that rate.

mod found;
mod history;
mod slope;

pub use found::{findings, rate, span};
pub use history::{History, LEAST, LOOKS};

use crate::cause::Cause;

/// How one budget grows.
#[derive(Clone, Debug, PartialEq)]
pub struct Growth {
    /// Cause that its exhaustion has.
    pub cause: Cause,
    /// Whose budget, as findings name it.
    pub subject: String,
    /// What is counted.
    pub unit: String,
    /// In use.
    pub used: u64,
    /// The limit.
    pub limit: u64,
    /// Units a second; negative when it shrinks.
    pub per_second: f64,
    /// Seconds until it is full at that rate; `None` where it does not grow.
    pub full_in: Option<f64>,
    /// Looks that this rests on.
    pub looks: usize,
    /// Seconds from the first of them to the last.
    pub over: f64,
}

#[cfg(test)]
mod tests;
