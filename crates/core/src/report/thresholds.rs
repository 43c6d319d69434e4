//! When a budget is worth a word: the same shares everywhere.

use super::Severity;

/// From here on a budget is under pressure, in percent.
pub const WARNING_PERCENT: u64 = 80;
/// From here on it is as good as used up, in percent.
pub const CRITICAL_PERCENT: u64 = 95;

/// How bad a share is, in percent; `None` below pressure.
#[must_use]
pub fn severity(percent: u64) -> Option<Severity> {
    match percent {
        CRITICAL_PERCENT.. => Some(Severity::Critical),
        WARNING_PERCENT.. => Some(Severity::Warning),
        _ => None,
    }
}
