use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{INITIAL_USER_NAMESPACE, InotifyResource, Pair, UserKey};

/// Where nospace ran, which decides what it could see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Vantage {
    /// Effective uid.
    pub uid: u32,
    /// Inode number of its user namespace; null where it could not be read.
    pub user_namespace: Option<u64>,
    /// Its procfs is that of the initial pid namespace, and so has every process of the machine.
    pub initial_pid_namespace: bool,
    /// `user.max_inotify_instances` of its user namespace; null where it could not be read.
    pub max_inotify_instances: Option<u64>,
    /// `user.max_inotify_watches` of its user namespace; null where it could not be read.
    pub max_inotify_watches: Option<u64>,
}

impl Vantage {
    /// Root of the machine itself.
    #[must_use]
    pub fn initial() -> Self {
        Self {
            user_namespace: Some(INITIAL_USER_NAMESPACE),
            initial_pid_namespace: true,
            ..Self::default()
        }
    }

    /// Every account that the kernel charges can be seen from here: those of a user namespace's ancestors can only be
    /// seen from the initial one.
    #[must_use]
    pub fn sees_all_accounts(&self) -> bool {
        self.user_namespace == Some(INITIAL_USER_NAMESPACE)
    }

    /// Root of the user namespace that nospace ran in; of the initial one where that is unknown.
    #[must_use]
    pub fn root(&self) -> UserKey {
        UserKey {
            user_namespace: self.user_namespace.unwrap_or(INITIAL_USER_NAMESPACE),
            uid: 0,
        }
    }

    /// The limits that each user of its own user namespace has.
    #[must_use]
    pub fn own_limits(&self) -> Pair<Option<u64>> {
        Pair::new(|one| match one {
            InotifyResource::Instances => self.max_inotify_instances,
            InotifyResource::Watches => self.max_inotify_watches,
        })
    }
}
