use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::row::Row;
use crate::report::{AllSeen, Status};

/// Nodes by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// All.
    pub nodes: u64,
    /// Those that answered.
    pub answered: u64,
    /// Of these, those that were checked within 15 minutes: sums, and findings of several nodes, rest on them alone.
    #[serde(default)]
    pub current: u64,
    /// OK.
    pub ok: u64,
    /// With a warning.
    pub warning: u64,
    /// With a critical finding.
    pub critical: u64,
    /// Without an answer, or with one that says unknown or is too old.
    pub unknown: u64,
    /// Of all, those that are not ready in the Kubernetes API.
    #[serde(default)]
    pub not_ready: u64,
}

impl Counts {
    /// Of these rows.
    pub(super) fn of(rows: &[Row]) -> Self {
        let mut counts = Self::default();
        for row in rows {
            counts.nodes += 1;
            counts.not_ready += u64::from(row.ready == Some(false));
            counts.answered += u64::from(row.summary().is_some());
            counts.current += u64::from(row.current);
            *match row.state {
                Status::Ok(_) => &mut counts.ok,
                Status::Warning => &mut counts.warning,
                Status::Critical => &mut counts.critical,
                Status::Unknown => &mut counts.unknown,
            } += 1;
        }
        counts
    }

    /// The proof that every node is well: there are some, and each has said so.
    pub(super) fn proof(&self) -> Option<AllSeen> {
        AllSeen::of_all_parts(self.nodes > 0 && self.ok == self.nodes)
    }
}
