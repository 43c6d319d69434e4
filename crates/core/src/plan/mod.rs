//! What limits a node needs, and what they cost.
//!
//! [`memory`] and [`platform`] are figures: what limits cost in kernel memory, what platforms set.

pub mod memory;
pub mod platform;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A pair of limits to set: `fs.inotify.max_user_instances` and `fs.inotify.max_user_watches`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Proposal {
    /// `fs.inotify.max_user_instances`.
    pub max_user_instances: u64,
    /// `fs.inotify.max_user_watches`.
    pub max_user_watches: u64,
}

impl Proposal {
    /// What RKE2, kube-up, EKS and Bottlerocket agree on for a node.
    pub const COMMON_PRACTICE: Self = Self {
        max_user_instances: 8_192,
        max_user_watches: 524_288,
    };
}
