//! What is to be said of several nodes: one rule a file.

mod culprits;
mod kubelets;
mod limits;
mod next_full;
mod unanswered;
mod versions;
mod workloads;

use std::cmp::Reverse;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::counts::Counts;
use super::row::{Row, STALE_SECONDS};
use crate::amount::thousands;
use crate::report::Severity;

pub use workloads::{WorkloadCost, workload_costs};

/// Nodes that a finding lists by name; of more it has the number.
pub const LISTED_NODES: usize = 20;
/// Lines of evidence of a finding.
const EVIDENCE: usize = 12;

/// One thing that concerns several nodes, or that only the comparison of nodes shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FleetFinding {
    /// What was found.
    pub rule: FleetRule,
    /// How bad.
    pub severity: Severity,
    /// One sentence.
    pub title: String,
    /// What it rests on, and how far that reaches.
    pub evidence: Vec<String>,
    /// Which nodes, at most 20 of them.
    pub nodes: Vec<String>,
    /// How many nodes.
    pub node_count: u64,
    /// How long ago the first of the nodes that it rests on was checked; null where it rests on no answer, or one does not say.
    #[serde(default)]
    pub oldest_seconds: Option<u64>,
}

/// What rules find.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum FleetRule {
    /// Kubelets that would not start.
    KubeletStart,
    /// A workload that is the culprit on several nodes.
    Culprit,
    /// Nodes that did not answer.
    Unanswered,
    /// Budgets that will be full next.
    NextFull,
    /// Limits that differ within a pool.
    LimitsDiffer,
    /// Agents of different versions.
    VersionsDiffer,
}

impl FleetRule {
    /// The stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::KubeletStart => "kubelet-start",
            Self::Culprit => "culprit",
            Self::Unanswered => "unanswered",
            Self::NextFull => "next-full",
            Self::LimitsDiffer => "limits-differ",
            Self::VersionsDiffer => "versions-differ",
        }
    }
}

/// All, the most severe first.
pub fn all(rows: &[Row], counts: Counts) -> Vec<FleetFinding> {
    let mut all = kubelets::findings(rows, counts);
    all.extend(culprits::findings(rows, counts));
    all.extend(unanswered::findings(rows));
    all.extend(next_full::finding(rows, counts));
    all.extend(limits::findings(rows));
    all.extend(versions::finding(rows));
    all.sort_by_key(|finding| Reverse(finding.severity));
    all
}

impl FleetFinding {
    fn new<'r>(
        rule: FleetRule,
        severity: Severity,
        title: String,
        mut evidence: Vec<String>,
        nodes: impl IntoIterator<Item = &'r Row>,
    ) -> Self {
        if evidence.len() > EVIDENCE {
            let more = evidence.split_off(EVIDENCE - 1).len();
            evidence.push(format!("and {more} more"));
        }
        let rows: Vec<&Row> = nodes.into_iter().collect();
        let nodes = rows.iter().take(LISTED_NODES);
        Self {
            rule,
            severity,
            title,
            evidence,
            nodes: nodes.map(|row| row.node.clone()).collect(),
            node_count: rows.len() as u64,
            oldest_seconds: None,
        }
        .resting_on(rows)
    }

    /// The answers of these nodes are behind it, not only of those that it names.
    fn resting_on<'r>(mut self, rows: impl IntoIterator<Item = &'r Row>) -> Self {
        let ages: Option<Vec<u64>> = rows.into_iter().map(|row| row.age_seconds).collect();
        self.oldest_seconds = ages.and_then(|ages| ages.into_iter().max());
        self
    }
}

/// `1 node`, `1,200 nodes`.
fn nodes(n: usize) -> String {
    let noun = if n == 1 { "node" } else { "nodes" };
    format!("{} {noun}", thousands(n as u64))
}

/// `9,800 of 10,000 nodes were checked within 15 min`.
fn reach(counts: Counts) -> String {
    let noun = if counts.nodes == 1 { "node" } else { "nodes" };
    let verb = if counts.current == 1 { "was" } else { "were" };
    let [current, all] = [counts.current, counts.nodes].map(thousands);
    let minutes = STALE_SECONDS / 60;
    format!("{current} of {all} {noun} {verb} checked within {minutes} min")
}
