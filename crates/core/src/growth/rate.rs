use crate::cause::Cause;
use crate::report::Subject;

/// How one budget grows.
#[derive(Clone, Debug, PartialEq)]
pub struct Growth {
    /// Cause that its exhaustion has.
    pub cause: Cause,
    /// The owner of the budget, as findings name it.
    pub subject: Subject,
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
    /// Checks that this is based on.
    pub samples: usize,
    /// Seconds from the first of them to the last.
    pub over: f64,
}
