//! When a budget is worth a word.

use super::words;
use crate::attribute::View;
use crate::cause::Cause;
use crate::report::{Finding, Remedy, Resource, Severity};

/// From here on a budget is under pressure, in percent.
pub const WARNING: u64 = 80;
/// From here on it is as good as used up, in percent.
pub const CRITICAL: u64 = 95;

/// How bad a share is; `None` below pressure.
pub fn severity(percent: u64) -> Option<Severity> {
    match percent {
        CRITICAL.. => Some(Severity::Critical),
        WARNING.. => Some(Severity::Warning),
        _ => None,
    }
}

/// The budgets of this cause that are under pressure. A limit of 0 forbids a thing, which is
/// somebody's choice.
pub fn pressed<'v>(view: &'v View, cause: Cause) -> impl Iterator<Item = (&'v Resource, Severity)> {
    view.resources
        .iter()
        .filter(move |r| r.cause == cause && r.limit > 0)
        .filter_map(|r| Some((r, severity(r.percent())?)))
}

/// A finding about a budget, with its figure as evidence.
pub fn finding(
    rule: &str,
    (resource, severity): (&Resource, Severity),
    title: String,
    remedies: Vec<Remedy>,
) -> Finding {
    Finding {
        cause: resource.cause,
        rule: rule.to_owned(),
        severity,
        subject: resource.subject.clone(),
        title,
        evidence: evidence(resource),
        culprits: Vec::new(),
        culprit_pods: Vec::new(),
        victims: Vec::new(),
        remedies,
    }
}

/// The figure in words, where it comes from, and its note.
pub fn evidence(resource: &Resource) -> Vec<String> {
    let figure = format!(
        "{}: {} of {} in use, {} ({})",
        resource.subject,
        words::amount(resource.used, &resource.unit),
        words::amount(resource.limit, &resource.unit),
        share(resource),
        words::trust(resource.provenance),
    );
    std::iter::once(figure)
        .chain(resource.note.clone())
        .collect()
}

/// `97 %`.
pub fn share(resource: &Resource) -> String {
    format!("{} %", resource.percent())
}
