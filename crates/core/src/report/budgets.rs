//! What is used, of which limit, and who is charged.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Subject;
use crate::cause::Cause;
use crate::model::{INITIAL_USER_NAMESPACE, InotifyResource, Pair, Provenance, UserKey, percent};

/// The inotify limits of the initial user namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InotifyLimits {
    /// `fs.inotify.max_user_instances`.
    pub max_user_instances: u64,
    /// `fs.inotify.max_user_watches`.
    pub max_user_watches: u64,
    /// `fs.inotify.max_queued_events`.
    pub max_queued_events: u64,
}

/// A used amount against its limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Budget {
    /// Amount in use; with the provenance `unavailable` only what was in sight of it.
    pub used: u64,
    /// The limit that binds; null where it could not be read.
    pub limit: Option<u64>,
    /// How far `used` can be trusted.
    pub provenance: Provenance,
}

impl Budget {
    /// Used share of the limit, in percent rounded down; `None` where either is unknown.
    #[must_use]
    pub fn percent(&self) -> Option<u64> {
        self.known_used()?;
        percent(self.used, self.limit?)
    }

    /// The limit; the use where that is not known.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.limit.unwrap_or(self.used)
    }

    /// What is left; `None` where either is unknown.
    #[must_use]
    pub fn free(&self) -> Option<u64> {
        Some(self.limit?.saturating_sub(self.known_used()?))
    }

    /// The kernel gave `used` itself.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.provenance == Provenance::Exact
    }

    /// Amount in use; `None` where most of it may be out of sight.
    #[must_use]
    pub fn known_used(&self) -> Option<u64> {
        (self.provenance != Provenance::Unavailable).then_some(self.used)
    }
}

/// A budget in words: `inotify watches of uid 0`, `disk-blocks on /`, `pids of kernel.pid_max`. Several units of one cause and
/// subject have the same name.
#[must_use]
pub fn budget_name(cause: Cause, subject: &str) -> String {
    match InotifyResource::of_cause(cause) {
        Some(resource) => format!("{} of {subject}", resource.noun()),
        None if subject.starts_with('/') => format!("{cause} on {subject}"),
        None => format!("{cause} of {subject}"),
    }
}

/// A (user namespace, uid) pair that inotify is charged to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// uid as the initial user namespace sees it.
    pub uid: u32,
    /// Inode number of the user namespace.
    pub user_namespace: u64,
    /// Instances.
    pub instances: Budget,
    /// Watches.
    pub watches: Budget,
    /// What the kernel charges and no visible descriptor explains.
    pub unattributed: Unattributed,
    /// The pair of the parent namespace that is charged too; null in the initial namespace.
    pub draws_on: Option<UserRef>,
}

impl User {
    /// Whether it is of the initial user namespace: the node's own.
    #[must_use]
    pub fn is_initial(&self) -> bool {
        self.user_namespace == INITIAL_USER_NAMESPACE
    }

    /// The pair as the model has it.
    #[must_use]
    pub fn key(&self) -> UserKey {
        UserKey {
            user_namespace: self.user_namespace,
            uid: self.uid,
        }
    }

    /// How [`subject`](super::Finding::subject) names it.
    #[must_use]
    pub fn subject(&self) -> Subject {
        Subject::User(self.key())
    }

    /// The budget of this resource.
    #[must_use]
    pub fn budget(&self, resource: InotifyResource) -> &Budget {
        match resource {
            InotifyResource::Instances => &self.instances,
            InotifyResource::Watches => &self.watches,
        }
    }

    /// The same, to change it.
    pub fn budget_mut(&mut self, resource: InotifyResource) -> &mut Budget {
        match resource {
            InotifyResource::Instances => &mut self.instances,
            InotifyResource::Watches => &mut self.watches,
        }
    }
}

/// Names a [`User`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserRef {
    /// uid as the initial user namespace sees it.
    pub uid: u32,
    /// Inode number of the user namespace.
    pub user_namespace: u64,
}

impl From<UserRef> for UserKey {
    fn from(user: UserRef) -> Self {
        Self {
            user_namespace: user.user_namespace,
            uid: user.uid,
        }
    }
}

/// Charged, but behind no descriptor that could be seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Unattributed {
    /// Instances; null where only the kernel could tell.
    pub instances: Option<u64>,
    /// Watches; null where only the kernel could tell.
    pub watches: Option<u64>,
}

impl Unattributed {
    /// Both.
    #[must_use]
    pub fn pair(&self) -> Pair<Option<u64>> {
        Pair {
            instances: self.instances,
            watches: self.watches,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_have_names_that_a_sentence_can_hold() {
        for (cause, subject, name) in [
            (Cause::InotifyWatches, "uid 0", "inotify watches of uid 0"),
            (Cause::DiskBlocks, "/var/lib", "disk-blocks on /var/lib"),
            (Cause::Pids, "kernel.pid_max", "pids of kernel.pid_max"),
        ] {
            assert_eq!(budget_name(cause, subject), name);
        }
    }
}
