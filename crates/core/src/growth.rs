//! How fast budgets grow, and when they are full.

use crate::cause::Cause;

/// How one budget grows.
#[derive(Clone, Debug, PartialEq)]
pub struct Growth {
    /// Cause that its exhaustion has.
    pub cause: Cause,
    /// Whose budget.
    pub subject: String,
    /// What is counted.
    pub unit: String,
    /// Units a second; negative when it shrinks.
    pub per_second: f64,
    /// Seconds until it is full at that rate; `None` where it does not grow.
    pub full_in: Option<f64>,
}
