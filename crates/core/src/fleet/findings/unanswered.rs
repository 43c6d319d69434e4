use std::collections::BTreeMap;

use super::{FleetFinding, FleetRule, nodes};
use crate::fleet::row::{FailureKind, Row};
use crate::report::Severity;

/// Nodes that did not answer, one finding for each kind of reason; and those with an answer that is too old or of unknown age.
pub fn findings(rows: &[Row]) -> Vec<FleetFinding> {
    let mut by: BTreeMap<FailureKind, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        if let Some(failure) = row.failure() {
            by.entry(failure.kind).or_default().push(row);
        }
    }
    let failed = by.into_iter().map(|(kind, of)| {
        let title = format!("No answer from {}: {}", nodes(of.len()), kind.words());
        finding(title, reasons(&of), of)
    });
    let stale: Vec<&Row> = rows.iter().filter(|row| row.is_stale()).collect();
    let stale = (!stale.is_empty()).then(|| {
        let title = format!(
            "The samples of {} are too old, or of unknown age: OK then does not mean OK now",
            nodes(stale.len())
        );
        finding(title, Vec::new(), stale)
    });
    failed.chain(stale).collect()
}

fn finding(title: String, evidence: Vec<String>, of: Vec<&Row>) -> FleetFinding {
    FleetFinding::new(FleetRule::Unanswered, Severity::Info, title, evidence, of)
}

/// Each reason once, with how many nodes have it, the most frequent first.
fn reasons(of: &[&Row]) -> Vec<String> {
    let mut by: BTreeMap<&str, usize> = BTreeMap::new();
    for failure in of.iter().filter_map(|row| row.failure()) {
        *by.entry(&failure.why).or_default() += 1;
    }
    let mut all: Vec<_> = by.into_iter().filter(|(why, _)| !why.is_empty()).collect();
    all.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let is_only = all.len() == 1;
    let said = all.into_iter().map(|(why, n)| match is_only {
        true => why.to_owned(),
        false => format!("{}: {why}", nodes(n)),
    });
    said.collect()
}
