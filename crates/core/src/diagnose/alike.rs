//! Findings that say the same of several processes of one program become one.

use crate::report::{Finding, Subject};

/// The fewest findings that are merged.
const MANY: usize = 3;

/// `findings` with those merged that differ in the process alone: the worst stays, with their number and all their evidence.
pub fn merge(mut findings: Vec<Finding>) -> Vec<Finding> {
    let mut merged = Vec::new();
    while !findings.is_empty() {
        let mut first = findings.remove(0);
        if let Some(program) = program(&first).map(str::to_owned) {
            let is_alike = |other: &Finding| {
                (other.cause, other.rule) == (first.cause, first.rule)
                    && self::program(other) == Some(&program)
            };
            let number = 1 + findings.iter().filter(|f| is_alike(f)).count();
            if number >= MANY {
                let (alike, others) = findings.into_iter().partition(is_alike);
                findings = others;
                first = one(first, alike, number, program);
            }
        }
        merged.push(first);
    }
    merged
}

fn program(finding: &Finding) -> Option<&str> {
    match &finding.subject {
        Subject::Process { comm, .. } => Some(comm),
        _ => None,
    }
}

fn one(mut first: Finding, alike: Vec<Finding>, number: usize, program: String) -> Finding {
    for other in alike {
        first.severity = first.severity.max(other.severity);
        first.evidence.extend(other.evidence);
        first.victims.extend(other.victims);
    }
    first.title = format!(
        "{number} processes of {program}, the first: {}",
        first.title
    );
    first.subject = Subject::Program(program);
    first
}
