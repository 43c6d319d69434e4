//! A cause in words.

use super::report::{ExplainedCause, Verdict};
use crate::amount::count;
use crate::cause::Cause;
use crate::limits;
use crate::report::Severity;
use crate::signatures::Confidence;

/// Refused, and not known to be over: critical. Over, only possible, or only slow: a warning.
pub fn severity(cause: &ExplainedCause) -> Severity {
    match cause.node {
        _ if cause.cause == Cause::EventQueue => Severity::Warning,
        Verdict::Confirms => Severity::Critical,
        Verdict::Contradicts if cause.decided.is_some() => Severity::Critical,
        Verdict::Unknown if cause.confidence > Confidence::Possible => Severity::Critical,
        _ => Severity::Warning,
    }
}

/// What happened, and whether it still does.
pub fn title(cause: &ExplainedCause, named: Cause) -> String {
    let what = if cause.refused_by_guard {
        "A guard refuses pods what it keeps for the node; the limit is not reached"
    } else {
        limits::of(named).meaning
    };
    match cause.node {
        Verdict::Confirms => format!("{what}. This is still so"),
        Verdict::Recovered => format!("{what}. There is room now"),
        Verdict::Contradicts if cause.decided.is_some() => {
            format!("{what}. The node shows this, and no {}", cause.cause)
        }
        Verdict::Contradicts => format!("Possibly: {what}. This node has room"),
        Verdict::Unknown if cause.confidence == Confidence::Possible => format!("Possibly: {what}"),
        Verdict::Unknown => what.to_owned(),
    }
}

/// When, how often, and how sure it is.
pub fn log_says(cause: &ExplainedCause) -> String {
    let span = match (&cause.first, &cause.last) {
        (Some(first), Some(last)) if first != last => format!(", from {first} to {last}"),
        (Some(first), _) => format!(", at {first}"),
        _ => String::new(),
    };
    format!(
        "log: {}{span}, {}",
        count(cause.lines, "line", "lines"),
        cause.confidence.word()
    )
}
