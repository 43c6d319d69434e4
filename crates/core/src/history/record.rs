use serde::{Deserialize, Serialize};

use super::sample::BudgetKey;
use crate::model::Provenance;
use crate::report::Status;
use crate::workload::Workload;

/// One slot with everything in it, for a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SlotRecord {
    /// When its first and its last collection were.
    pub first: i64,
    /// The last.
    pub last: i64,
    /// Collections in it.
    pub collections: u32,
    /// Milliseconds from one collection to the next, as it was set.
    pub every: i64,
    /// Whether the agent started with it.
    pub starts: bool,
    /// The worst.
    pub status: Status,
    /// Refused calls by cause; `None` where they were not counted.
    pub refusals: Option<Vec<(String, u64)>>,
    /// Track, used, limit, provenance.
    pub budgets: Vec<(u32, u64, Option<u64>, Provenance)>,
    /// Track, watches, instances, provenance.
    pub workloads: Vec<(u32, u64, u64, Provenance)>,
}

/// What the number of a track stands for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TrackName {
    /// A budget.
    Budget(BudgetKey),
    /// A workload.
    Workload(Workload),
}
