use super::{Counts, FleetFinding, FleetRule, nodes, reach};
use crate::fleet::row::Row;
use crate::report::{Severity, StartVerdict};

/// Kubelets that would not start, and those that barely would.
pub fn findings(rows: &[Row], counts: Counts) -> Vec<FleetFinding> {
    let with = |verdict| {
        let of = move |row: &&Row| row.current().and_then(|s| s.kubelet_start) == Some(verdict);
        rows.iter().filter(of).collect::<Vec<_>>()
    };
    let kinds = [
        (
            StartVerdict::Fails,
            Severity::Critical,
            "would not start again",
        ),
        (
            StartVerdict::Barely,
            Severity::Warning,
            "would barely start again",
        ),
    ];
    let unknown = with(StartVerdict::Unknown).len();
    let found = kinds.map(|(verdict, severity, words)| {
        let found = with(verdict);
        if found.is_empty() {
            return None;
        }
        let mut evidence = vec![reach(counts)];
        if unknown > 0 {
            evidence.push(format!("unknown for {}", nodes(unknown)));
        }
        let title = match found.len() {
            1 => format!("The kubelet of 1 node {words}"),
            n => format!("The kubelets of {} {words}", nodes(n)),
        };
        Some(FleetFinding::new(
            FleetRule::KubeletStart,
            severity,
            title,
            evidence,
            found,
        ))
    });
    found.into_iter().flatten().collect()
}
