//! Findings that say the same of several processes of one program become one.

use std::collections::BTreeMap;

use crate::amount::thousands;
use crate::cause::Cause;
use crate::report::{Finding, Rule, Subject};

/// The fewest findings that are merged.
const MANY: usize = 3;
/// Evidence and victims of this many processes are listed; beyond that only their number.
const LISTED: usize = 10;

type Key = (Cause, Rule, String);

/// `findings` with those merged that differ in the process alone: the first stays, with their number and the evidence of the
/// first [`LISTED`].
pub fn merge(findings: Vec<Finding>) -> Vec<Finding> {
    let mut numbers: BTreeMap<Key, usize> = BTreeMap::new();
    for key in findings.iter().filter_map(key) {
        *numbers.entry(key).or_default() += 1;
    }
    let mut places: BTreeMap<Key, usize> = BTreeMap::new();
    let mut merged: Vec<Finding> = Vec::new();
    let mut listed = BTreeMap::new();
    for finding in findings {
        let key = key(&finding).filter(|key| numbers[key] >= MANY);
        match key {
            Some(key) => match places.get(&key) {
                Some(place) => {
                    let listed: &mut usize = listed.entry(*place).or_insert(1);
                    *listed += 1;
                    add(&mut merged[*place], finding, *listed <= LISTED);
                }
                None => {
                    places.insert(key, merged.len());
                    merged.push(finding);
                }
            },
            None => merged.push(finding),
        }
    }
    for (key, place) in places {
        conclude(&mut merged[place], numbers[&key], key.2);
    }
    merged
}

fn key(finding: &Finding) -> Option<Key> {
    match &finding.subject {
        Subject::Process { comm, .. } => Some((finding.cause, finding.rule, comm.clone())),
        _ => None,
    }
}

fn add(first: &mut Finding, other: Finding, is_listed: bool) {
    first.severity = first.severity.max(other.severity);
    if is_listed {
        first.evidence.extend(other.evidence);
        first.victims.extend(other.victims);
    }
}

fn conclude(first: &mut Finding, number: usize, program: String) {
    if let Some(more) = number.checked_sub(LISTED).filter(|more| *more > 0) {
        first
            .evidence
            .push(format!("and {} more", thousands(more as u64)));
    }
    first.title = format!(
        "{} processes of {program}, the first: {}",
        thousands(number as u64),
        first.title
    );
    first.subject = Subject::Program(program);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Blame, Severity};

    fn finding(comm: &str, pid: u32, severity: Severity) -> Finding {
        Finding {
            cause: Cause::ProcessFiles,
            rule: Rule::Exhaustion(Cause::ProcessFiles),
            severity,
            subject: Subject::Process {
                comm: comm.to_owned(),
                pid,
                unit: None,
            },
            evidence: vec![format!("pid {pid}")],
            title: String::new(),
            blame: Blame::Unknown,
            victims: Vec::new(),
            remedies: Vec::new(),
        }
    }

    #[test]
    fn many_alike_are_one_with_their_number() {
        let workers = (0..1_234).map(|pid| finding("worker", pid, Severity::Warning));
        let others = [
            finding("a", 1, Severity::Critical),
            finding("a", 2, Severity::Warning),
        ];
        let merged = merge(
            workers
                .chain(others)
                .chain([finding("worker", 9_999, Severity::Critical)])
                .collect(),
        );
        assert_eq!(merged.len(), 3, "two alike stay two");
        let one = &merged[0];
        assert!(
            one.title.starts_with("1,235 processes of worker"),
            "{}",
            one.title
        );
        assert_eq!(one.severity, Severity::Critical);
        assert_eq!(one.evidence.len(), LISTED + 1);
        assert_eq!(one.evidence[LISTED], "and 1,225 more");
    }
}
