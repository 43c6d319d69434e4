use std::fmt::Write as _;

use nospace_core::amount::thousands;
use nospace_core::fleet::{Fleet, Row, Summary};

use super::words;
use crate::ui::human::word;
use crate::ui::markdown::plain;

/// Rows of nodes.
const NODES: usize = 50;
/// Rows of workloads.
const WORKLOADS: usize = 10;
/// Nodes named with a finding.
const NAMED: usize = 10;

/// The fleet for tickets and chat: findings of several nodes, and the nodes that are not well.
#[must_use]
pub fn markdown(fleet: &Fleet) -> String {
    let mut out = format!(
        "## nospace cluster: {}\n\n{}\n",
        word(fleet.status),
        plain(&words::answer(fleet))
    );
    for note in &fleet.origin.notes {
        let _ = writeln!(out, "\n{}", plain(note));
    }
    for finding in &fleet.findings {
        let _ = writeln!(
            out,
            "\n### {}: {}\n\n{}\n",
            words::label(finding),
            plain(&finding.title),
            plain(&words::named(finding, NAMED, ""))
        );
        for one in &finding.evidence {
            let _ = writeln!(out, "- {}", plain(one));
        }
    }
    nodes(&mut out, fleet);
    workloads(&mut out, fleet);
    let _ = writeln!(out, "\n{}", plain(&words::origin(fleet)));
    out
}

fn nodes(out: &mut String, fleet: &Fleet) {
    if let Some(listed) = words::listed(fleet) {
        let _ = writeln!(out, "\n{}", plain(&listed));
    }
    let troubled: Vec<&Row> = fleet
        .rows
        .iter()
        .filter(|row| !row.state.is_well())
        .collect();
    if troubled.is_empty() {
        return;
    }
    out.push_str("\n| state | node | pool | fullest budget | kubelet | more pods | checked | held by, or why unknown |\n|---|---|---|---|---|---:|---:|---|\n");
    for row in troubled.iter().take(NODES) {
        let summary = row.summary();
        let cells = [
            words::state(row),
            row.node.clone(),
            row.pool
                .as_ref()
                .map_or(String::new(), |pool| pool.name.clone()),
            summary
                .and_then(Summary::fullest)
                .map(|budget| format!("{} ({} %)", words::budget(budget), budget.percent()))
                .unwrap_or_default(),
            words::kubelet(row).to_owned(),
            words::more_pods(row),
            words::age(row),
            words::remark(row),
        ];
        let _ = writeln!(out, "| {} |", cells.map(|cell| plain(&cell)).join(" | "));
    }
    if let Some(more @ 1..) = troubled.len().checked_sub(NODES) {
        let _ = writeln!(out, "\nand {} more", thousands(more as u64));
    }
}

fn workloads(out: &mut String, fleet: &Fleet) {
    if fleet.workloads.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "\nWorkloads, sums {}:\n\n| workload | instances | watches | nodes |\n|---|---:|---:|---:|",
        plain(&words::reach(fleet.counts))
    );
    for cost in fleet.workloads.iter().take(WORKLOADS) {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            plain(&cost.workload.to_string()),
            words::sum(cost, cost.instances),
            words::sum(cost, cost.watches),
            thousands(cost.nodes)
        );
    }
}
