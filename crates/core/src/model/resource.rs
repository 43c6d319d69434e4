//! A budget as it was read: what is used, of which limit.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Provenance, Subject};
use crate::cause::Cause;

/// `used` of `limit` in percent, rounded down; `None` for more than a u64 holds, so that use is far beyond the limit. A limit of 0 forbids a
/// thing: it is full only for who has one.
#[must_use]
pub fn percent(used: u64, limit: u64) -> Option<u64> {
    if limit == 0 {
        return Some(if used == 0 { 0 } else { 100 });
    }
    u64::try_from(u128::from(used) * 100 / u128::from(limit)).ok()
}

/// A budget other than inotify's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// Cause code that its exhaustion has.
    pub cause: Cause,
    /// What has the budget: a mount point, a cgroup, a process, a user.
    #[schemars(with = "String")]
    pub subject: Subject,
    /// Amount in use, in `unit`.
    pub used: u64,
    /// The limit, in `unit`.
    pub limit: u64,
    /// What is counted: `bytes`, `inodes`, `files`, …
    pub unit: String,
    /// How far `used` can be trusted.
    pub provenance: Provenance,
    /// What else belongs to the figure, in words: root's reserve, refusals seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Resource {
    /// A budget of which the kernel gave `used` itself.
    pub fn exact(cause: Cause, subject: Subject, used: u64, limit: u64, unit: &str) -> Self {
        Self {
            cause,
            subject,
            used,
            limit,
            unit: unit.to_owned(),
            provenance: Provenance::Exact,
            note: None,
        }
    }

    /// The same, `used` counted from outside.
    #[must_use]
    pub fn estimated(self) -> Self {
        Self {
            provenance: Provenance::Estimated,
            ..self
        }
    }

    /// Used share of the limit, in percent rounded down.
    #[must_use]
    pub fn percent(&self) -> u64 {
        percent(self.used, self.limit).unwrap_or(u64::MAX)
    }
}
