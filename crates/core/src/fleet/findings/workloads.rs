use std::cmp::Reverse;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Counts;
use crate::fleet::row::Row;
use crate::fleet::summary::WorkloadUse;
use crate::model::Provenance;
use crate::workload::Workload;

/// Workloads that a fleet lists.
const LISTED: usize = 50;

/// What a workload holds on all nodes that were checked within 15 minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadCost {
    /// Who.
    #[serde(flatten)]
    pub workload: Workload,
    /// Instances.
    pub instances: u64,
    /// Watches.
    pub watches: u64,
    /// Its pods, containers or processes that hold any.
    pub parts: u64,
    /// Nodes that list it.
    pub nodes: u64,
    /// Nodes that the sums cover: those that were checked within 15 minutes.
    pub covered: u64,
    /// Nodes that there are.
    pub of: u64,
    /// It may hold more: a node is not covered, or has more workloads than it lists, or its figures are estimates.
    pub at_least: bool,
    /// Where it holds most.
    pub most_on: String,
    /// How far the figures can be trusted.
    pub provenance: Provenance,
}

/// Sums over nodes, the largest first: by the share that they hold of all that is listed, of instances or of watches.
pub fn workload_costs(rows: &[Row], counts: Counts) -> Vec<WorkloadCost> {
    let mut by: BTreeMap<&Workload, (WorkloadCost, u64)> = BTreeMap::new();
    let mut total = (0_u64, 0_u64);
    let mut more = counts.current < counts.nodes;
    for (row, summary) in rows.iter().filter_map(|row| Some((row, row.current()?))) {
        more |= summary.omitted.workloads > 0;
        for one in &summary.workloads {
            total.0 = total.0.saturating_add(one.instances);
            total.1 = total.1.saturating_add(one.watches);
            let (cost, most) = by
                .entry(&one.workload)
                .or_insert_with(|| (WorkloadCost::none(one, counts), 0));
            cost.add(one, summary.workloads_provenance);
            let here = one.watches.saturating_add(one.instances);
            if here > *most || cost.most_on.is_empty() {
                (*most, cost.most_on) = (here, row.node.clone());
            }
        }
    }
    let mut all: Vec<_> = by.into_values().map(|(cost, _)| cost).collect();
    let share = |part: u64, all: u64| u128::from(part) * 1_000_000 / u128::from(all.max(1));
    all.sort_by_key(|cost| {
        Reverse(share(cost.instances, total.0).max(share(cost.watches, total.1)))
    });
    all.truncate(LISTED);
    for cost in &mut all {
        cost.at_least = more || cost.provenance != Provenance::Exact;
    }
    all
}

impl WorkloadCost {
    fn none(one: &WorkloadUse, counts: Counts) -> Self {
        Self {
            workload: one.workload.clone(),
            instances: 0,
            watches: 0,
            parts: 0,
            nodes: 0,
            covered: counts.current,
            of: counts.nodes,
            at_least: false,
            most_on: String::new(),
            provenance: Provenance::Exact,
        }
    }

    fn add(&mut self, one: &WorkloadUse, provenance: Provenance) {
        self.instances = self.instances.saturating_add(one.instances);
        self.watches = self.watches.saturating_add(one.watches);
        self.parts = self.parts.saturating_add(one.parts);
        self.nodes += 1;
        self.provenance = self.provenance.and(provenance);
    }
}
