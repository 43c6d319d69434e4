use std::cmp::Reverse;
use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::counts::Counts;
use super::findings::{self, FleetFinding, WorkloadCost};
use super::row::Row;
use crate::report::{SCHEMA_VERSION, Severity, Status};

/// All nodes, and what they say together: the document of `nospace cluster`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Fleet {
    /// Version of this document.
    pub schema_version: u32,
    /// Where the answers are from.
    #[serde(flatten)]
    pub origin: Origin,
    /// The worst of all rows and findings; unknown where nothing is wrong and a node did not answer or may be missing, or there is no node.
    pub status: Status,
    /// How many nodes there are of each state.
    pub counts: Counts,
    /// What the answers do not cover.
    #[serde(default)]
    pub not_covered: Gaps,
    /// What is to be said of several nodes, most important first.
    pub findings: Vec<FleetFinding>,
    /// What workloads hold on all nodes that were checked within 15 minutes, the largest share first.
    pub workloads: Vec<WorkloadCost>,
    /// A row a node, worst first.
    pub rows: Vec<Row>,
}

/// Limits that some answers do not cover.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Gaps {
    /// Codes of the limits.
    pub causes: BTreeSet<String>,
    /// Nodes with an answer that does not cover all limits.
    pub nodes: u64,
}

impl Gaps {
    fn of(rows: &[Row]) -> Self {
        let mut gaps = Self::default();
        for summary in rows.iter().filter_map(Row::summary) {
            gaps.nodes += u64::from(!summary.not_covered.is_empty());
            gaps.causes.extend(summary.not_covered.iter().cloned());
        }
        gaps
    }
}

/// Where answers are from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// When the last answer came, RFC 3339, UTC.
    pub taken_at: String,
    /// `agents`, `debug`, or `prometheus` with its address.
    pub via: String,
    /// The context of the kubeconfig; null without one.
    pub cluster: Option<String>,
    /// Only nodes that this selects; null where all were asked for.
    pub selector: Option<String>,
    /// Only nodes of these pools; left out where nodes of all pools were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pools: Vec<String>,
    /// The source does not know all nodes: there may be more than there are rows.
    #[serde(default)]
    pub may_lack_nodes: bool,
    /// What else to know about how this was collected, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Sorts the rows, and says what they say together.
#[must_use]
pub fn conclude(mut rows: Vec<Row>, origin: Origin) -> Fleet {
    rows.sort_by(|a, b| order(a).cmp(&order(b)).then_with(|| a.node.cmp(&b.node)));
    let counts = Counts::of(&rows);
    let findings = findings::all(&rows, counts);
    let worst = findings.iter().map(|finding| finding.severity).max();
    let status = if counts.critical > 0 || worst == Some(Severity::Critical) {
        Status::Critical
    } else if counts.warning > 0 || worst == Some(Severity::Warning) {
        Status::Warning
    } else {
        Status::without_findings(counts.proof().filter(|_| !origin.may_lack_nodes))
    };
    Fleet {
        schema_version: SCHEMA_VERSION,
        origin,
        status,
        counts,
        not_covered: Gaps::of(&rows),
        findings,
        workloads: findings::workload_costs(&rows, counts),
        rows,
    }
}

/// Worst first: the state, nodes that are not ready, then how full the fullest budget is. Nodes that did not answer come before those that say
/// unknown.
fn order(row: &Row) -> (Reverse<Status>, bool, bool, u64) {
    let fullest = row.summary().and_then(|summary| summary.fullest());
    let percent = fullest.map_or(0, super::BudgetSummary::percent);
    (
        Reverse(row.state),
        row.summary().is_some(),
        row.ready != Some(false),
        u64::MAX - percent,
    )
}
