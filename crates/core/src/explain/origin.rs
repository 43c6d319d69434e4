//! Is a log of the node that is asked? Nothing is concluded from a node about another one's log.

use super::moment::{Moment, year_of};
use super::report::ExplainedCause;
use crate::managers::is_kubelet;
use crate::report::Report;

/// What speaks against it: a sentence. `None` where nothing does.
#[must_use]
pub fn foreign(log: &ExplainedCause, report: &Report) -> Option<String> {
    other_host(log, report)
        .or_else(|| other_time(log, report))
        .or_else(|| no_kubelet(log, report))
}

/// Hosts that the lines name, none of which is the node.
fn other_host(log: &ExplainedCause, report: &Report) -> Option<String> {
    let node = report.node.name.as_str();
    let named = log.hosts.first()?;
    let is_it = |host: &String| same_host(host, node);
    let known = !node.is_empty() && node != UNKNOWN;
    (known && !log.hosts.iter().any(is_it)).then(|| {
        format!("this log seems to be of {named}, not of this node ({node}): nothing here was compared with it")
    })
}

/// What stands for a name that could not be read.
const UNKNOWN: &str = "unknown";

/// One of them may have its domain, and their case is all the same.
fn same_host(one: &str, other: &str) -> bool {
    let first = |name: &str| {
        name.split('.')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase()
    };
    match (one.contains('.'), other.contains('.')) {
        (true, true) => one.eq_ignore_ascii_case(other),
        _ => first(one) == first(other),
    }
}

/// The last line was written before the node booted, or in another year.
fn other_time(log: &ExplainedCause, report: &Report) -> Option<String> {
    let now = Moment::read(&report.taken_at, 0)?.latest;
    let text = log.last.as_deref()?;
    let last = Moment::read(text, now)?;
    let booted = report
        .log_context
        .booted_at
        .and_then(|at| i64::try_from(at).ok());
    if booted.is_some_and(|booted| last.latest < booted) {
        return Some(format!(
            "the last line is of {text}, before this node booted: what was used up then is not known"
        ));
    }
    let years = [year_of(last.earliest), year_of(last.latest)];
    let is_other = last.year.is_some() && !years.contains(&year_of(now));
    is_other.then(|| {
        format!("the last line is of {text}, another year: what was used up then is not known")
    })
}

/// A kubelet's log where no kubelet is or was.
fn no_kubelet(log: &ExplainedCause, report: &Report) -> Option<String> {
    let of_kubelet = |program: &String| is_kubelet(program) || program == "cAdvisor";
    let all = !log.programs.is_empty() && log.programs.iter().all(of_kubelet);
    (all && report.log_context.has_kubelet == Some(false)).then(|| {
        "this log is a kubelet's, and this node shows no sign of one: it seems to be of another node".to_owned()
    })
}
