//! Findings about budgets that are nearly used up.

use super::describe;
use crate::attribute::View;
use crate::cause::Cause;
use crate::report::{Blame, Finding, Remedy, Resource, Rule, Severity, thresholds};

/// The budgets of this cause that are under pressure. A limit of 0 forbids a thing, which is
/// somebody's choice.
pub fn pressed<'v>(view: &'v View, cause: Cause) -> impl Iterator<Item = (&'v Resource, Severity)> {
    view.resources
        .iter()
        .filter(move |r| r.cause == cause && r.limit > 0)
        .filter_map(|r| Some((r, thresholds::severity(r.percent())?)))
}

/// A finding about a budget, with its figure as evidence.
pub fn finding(
    (resource, severity): (&Resource, Severity),
    title: String,
    remedies: Vec<Remedy>,
) -> Finding {
    Finding {
        cause: resource.cause,
        rule: Rule::Exhaustion(resource.cause),
        severity,
        subject: resource.subject.clone(),
        title,
        evidence: evidence(resource),
        blame: Blame::Unknown,
        victims: Vec::new(),
        remedies,
    }
}

/// The figure in words, where it comes from, and its note.
pub fn evidence(resource: &Resource) -> Vec<String> {
    let figure = format!(
        "{}: {} in use, {} ({})",
        resource.subject,
        describe::used_of(resource.used, resource.limit, &resource.unit),
        share(resource),
        describe::trust(resource.provenance),
    );
    std::iter::once(figure)
        .chain(resource.note.clone())
        .collect()
}

/// Begins what a finding says of a call that fails: below the limit it does not fail yet.
pub fn at_limit(resource: &Resource) -> &'static str {
    if resource.used < resource.limit {
        "at the limit, "
    } else {
        ""
    }
}

/// `97 %`.
pub fn share(resource: &Resource) -> String {
    format!("{} %", resource.percent())
}
