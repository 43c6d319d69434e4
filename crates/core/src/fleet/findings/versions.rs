use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{FleetFinding, FleetRule, nodes};
use crate::fleet::row::Row;
use crate::report::Severity;

/// Agents of different versions, which may count differently.
pub fn finding(rows: &[Row]) -> Option<FleetFinding> {
    let mut by: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        if let Some(summary) = row.current() {
            by.entry(&summary.nospace_version).or_default().push(row);
        }
    }
    if by.len() < 2 {
        return None;
    }
    let mut all: Vec<_> = by.into_iter().collect();
    all.sort_by_key(|(_, of)| Reverse(of.len()));
    let evidence = all
        .iter()
        .map(|(version, of)| format!("{version}: {}", nodes(of.len())));
    let evidence = evidence.collect();
    let title = format!("The nodes run {} versions of nospace", all.len());
    let others = all.iter().skip(1).flat_map(|(_, of)| of).copied();
    let finding = FleetFinding::new(
        FleetRule::VersionsDiffer,
        Severity::Info,
        title,
        evidence,
        others,
    );
    Some(finding.resting_on(all.iter().flat_map(|(_, of)| of).copied()))
}
