//! What could not be seen, so that silence about it is not taken for health.

use crate::attribute::View;
use crate::cause::Cause;
use crate::limits::LIMITS;
use crate::model::CollectorRun;
use crate::report::{Blame, Finding, Rule, Severity, Subject};

pub fn find(view: &View) -> Vec<Finding> {
    view.snapshot.collectors.iter().filter_map(blind).collect()
}

fn blind(run: &CollectorRun) -> Option<Finding> {
    let title = match &run.error {
        Some(error) => format!(
            "{} could not be read, so nothing is known about it: {error}",
            run.name
        ),
        None if run.gaps.is_empty() => return None,
        None => format!("{} could not be seen in full", run.name),
    };
    Some(Finding {
        cause: cause(&run.name),
        rule: Rule::Blind,
        severity: Severity::Info,
        subject: Subject::Collector(run.name.clone()),
        title,
        evidence: run.gaps.clone(),
        blame: Blame::Unknown,
        victims: Vec::new(),
        remedies: Vec::new(),
    })
}

/// What cannot be told without this collector.
fn cause(collector: &str) -> Cause {
    let mut limits = LIMITS.iter();
    let limit = limits.find(|limit| limit.collector == Some(collector));
    limit.map_or(Cause::InotifyWatches, |limit| limit.cause)
}
