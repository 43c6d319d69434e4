use std::collections::BTreeMap;

use super::{Counts, FleetFinding, FleetRule, nodes, reach};
use crate::fleet::row::Row;
use crate::report::Severity;
use crate::workload::Workload;

/// Workloads that are the culprit of the same cause on several nodes: one finding for all of these nodes.
pub fn findings(rows: &[Row], counts: Counts) -> Vec<FleetFinding> {
    let mut by: BTreeMap<(&Workload, &str), (Severity, Vec<&Row>)> = BTreeMap::new();
    for row in rows {
        let findings = row.current().into_iter().flat_map(|s| &s.findings);
        for finding in findings.filter(|finding| finding.severity > Severity::Info) {
            let Some(workload) = &finding.workload else {
                continue;
            };
            let (severity, of) = by
                .entry((workload, &finding.cause))
                .or_insert((finding.severity, Vec::new()));
            *severity = finding.severity.max(*severity);
            // A node has several findings of a cause: of users, of the kubelet's start.
            if of.last().is_none_or(|last| !std::ptr::eq(*last, row)) {
                of.push(row);
            }
        }
    }
    let mut all: Vec<_> = by.into_iter().filter(|(_, (_, of))| of.len() > 1).collect();
    all.sort_by_key(|(_, (_, of))| std::cmp::Reverse(of.len()));
    all.truncate(10);
    let finding = |((workload, cause), (severity, of)): ((&Workload, &str), (_, Vec<&Row>))| {
        let title = format!(
            "{workload} is the culprit of {cause} on {}",
            nodes(of.len())
        );
        let evidence = vec![format!(
            "on each of them it holds a quarter or more of the budget, or of its growth; {}",
            reach(counts)
        )];
        FleetFinding::new(FleetRule::Culprit, severity, title, evidence, of)
    };
    all.into_iter().map(finding).collect()
}
