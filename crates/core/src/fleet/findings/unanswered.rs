use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{FleetFinding, FleetRule, nodes};
use crate::fleet::row::{FailureKind, Row, STALE_SECONDS};
use crate::report::{Severity, Status};

const MINUTES: u64 = STALE_SECONDS / 60;

/// Nodes that did not answer, one finding for each kind of reason; and those that were checked too long ago, or at an unknown time.
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
        let title = match stale.len() {
            1 => format!(
                "1 node was last checked more than {MINUTES} min ago, or at an unknown time: no sum and no other finding covers it"
            ),
            n => format!(
                "{} were last checked more than {MINUTES} min ago, or at an unknown time: no sum and no other finding covers them",
                nodes(n)
            ),
        };
        finding(title, then(&stale), stale)
    });
    failed.chain(stale).collect()
}

/// What these nodes said when they were checked.
fn then(of: &[&Row]) -> Vec<String> {
    let mut by: BTreeMap<Reverse<Status>, usize> = BTreeMap::new();
    for summary in of.iter().filter_map(|row| row.summary()) {
        *by.entry(Reverse(summary.state())).or_default() += 1;
    }
    let said = by
        .into_iter()
        .map(|(Reverse(status), n)| format!("{} said {} then", nodes(n), status.word()));
    said.collect()
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
    all.sort_by_key(|(_, n)| Reverse(*n));
    let is_only = all.len() == 1;
    let said = all.into_iter().map(|(why, n)| match is_only {
        true => why.to_owned(),
        false => format!("{}: {why}", nodes(n)),
    });
    said.collect()
}
