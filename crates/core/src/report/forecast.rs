//! What would happen at the next start.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Pair, Provenance};

/// What would happen at the next start of what matters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Forecast {
    /// Whether the kubelet would start now; null where cgroups or limits could not be read.
    pub kubelet_start: Option<KubeletStart>,
}

/// Would the kubelet start now?
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum StartVerdict {
    /// With room to spare.
    Starts,
    /// It starts, or may: the room left is within a tenth of what is needed.
    Barely,
    /// It would be refused.
    Fails,
}

/// What the kubelet would ask for at its start, against what it would find.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KubeletStart {
    /// The answer.
    pub verdict: StartVerdict,
    /// Watches that it would ask for.
    pub watches_needed: u64,
    /// Watches that uid 0 has free, what the running kubelet would give back included.
    pub watches_free: u64,
    /// Instances that it would ask for.
    pub instances_needed: u64,
    /// Instances that uid 0 has free, what the running kubelet would give back included.
    pub instances_free: u64,
    /// pid of the running kubelet.
    pub kubelet_pid: Option<u32>,
    /// Watches that the running kubelet would give back.
    pub watches_given_back: u64,
    /// Instances that the running kubelet would give back.
    pub instances_given_back: u64,
    /// How `watches_needed` was reckoned, in words.
    pub basis: String,
    /// How far it can be trusted.
    pub provenance: Provenance,
}

impl KubeletStart {
    /// What it would ask for.
    #[must_use]
    pub fn needed(&self) -> Pair<u64> {
        Pair {
            instances: self.instances_needed,
            watches: self.watches_needed,
        }
    }

    /// What uid 0 has free, what the running kubelet would give back included.
    #[must_use]
    pub fn free(&self) -> Pair<u64> {
        Pair {
            instances: self.instances_free,
            watches: self.watches_free,
        }
    }
}
