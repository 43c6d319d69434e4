//! What would happen at the next start.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Unseen, UserRef};
use crate::model::{InotifyResource, Pair, Provenance};

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
    /// There may be room, or none: something that it depends on was not seen.
    Unknown,
}

/// What the kubelet would ask for at its start, against what it would find.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KubeletStart {
    /// The answer.
    pub verdict: StartVerdict,
    /// The account with the least room of those that the kubelet is charged to.
    pub account: UserRef,
    /// With the verdict `unknown`, what was not seen: the free figures may then be too high.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unseen: Vec<Unseen>,
    /// Watches that it would ask for.
    pub watches_needed: u64,
    /// Watches that this account has free, what the running kubelet would give back included.
    pub watches_free: u64,
    /// Instances that it would ask for.
    pub instances_needed: u64,
    /// Instances that this account has free, what the running kubelet would give back included.
    pub instances_free: u64,
    /// Watches of those free that a guard keeps from pods.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub watches_kept: u64,
    /// Instances of those free that a guard keeps from pods.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub instances_kept: u64,
    /// pid of the running kubelet.
    pub kubelet_pid: Option<u32>,
    /// Watches that the running kubelet would give back.
    pub watches_given_back: u64,
    /// Instances that the running kubelet would give back.
    pub instances_given_back: u64,
    /// The kubelet was started less than a minute ago, and may not hold yet all that it takes.
    #[serde(default)]
    pub starting: bool,
    /// How `watches_needed` was calculated.
    pub basis: String,
    /// How far it can be trusted.
    pub provenance: Provenance,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl StartVerdict {
    /// The verdict on two needs: refusal of one is refusal, and only what is known of both is known.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        let rank = |verdict| match verdict {
            Self::Starts => 0,
            Self::Barely => 1,
            Self::Unknown => 2,
            Self::Fails => 3,
        };
        if rank(other) > rank(self) {
            other
        } else {
            self
        }
    }
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

    /// Which of the two is shorter, measured by what is needed.
    #[must_use]
    pub fn scarce(&self) -> InotifyResource {
        scarcer(self.needed(), self.free())
    }

    /// What its account has free, what the running kubelet would give back included.
    #[must_use]
    pub fn free(&self) -> Pair<u64> {
        Pair {
            instances: self.instances_free,
            watches: self.watches_free,
        }
    }
}

/// Of instances and watches, the one of which `free` is the smaller share of what is `needed`; watches where they are equal.
#[must_use]
pub fn scarcer(needed: Pair<u64>, free: Pair<u64>) -> InotifyResource {
    let share = |one| u128::from(free[one]) * 1000 / u128::from(needed[one].max(1));
    if share(InotifyResource::Instances) < share(InotifyResource::Watches) {
        InotifyResource::Instances
    } else {
        InotifyResource::Watches
    }
}
