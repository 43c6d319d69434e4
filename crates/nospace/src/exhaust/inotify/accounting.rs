use std::fmt;

use nospace_core::model::{InotifyResource, Pair, UserCounters, UserKey};

use crate::host::Host;

/// The kernel's own counts for one user.
#[derive(Clone, Copy)]
pub struct InotifyAccounting<'h> {
    host: &'h dyn Host,
    key: UserKey,
    limits: Pair<u64>,
}

impl fmt::Debug for InotifyAccounting<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InotifyAccounting")
            .field("key", &self.key)
            .finish()
    }
}

impl<'h> InotifyAccounting<'h> {
    /// The counts that `host` has of `key`, which has these limits.
    #[must_use]
    pub fn new(host: &'h dyn Host, key: UserKey, limits: Pair<u64>) -> Self {
        Self { host, key, limits }
    }

    /// Units that are free; `None` where the kernel's accounting cannot be read.
    #[must_use]
    pub fn left(&self, resource: InotifyResource) -> Option<u64> {
        let user = self.counters()?;
        let (used, limit) = match resource {
            InotifyResource::Instances => (user.instances, user.instances_limit),
            InotifyResource::Watches => (user.watches, user.watches_limit),
        };
        Some(limit.saturating_sub(used))
    }

    /// A user that the kernel does not list has nothing yet.
    fn counters(&self) -> Option<UserCounters> {
        let counters = self.host.accounting().ok()?.inotify.counters?;
        let known = counters.into_iter().find(|user| user.key == self.key);
        Some(known.unwrap_or(UserCounters {
            key: self.key,
            instances: 0,
            watches: 0,
            instances_limit: self.limits.instances,
            watches_limit: self.limits.watches,
        }))
    }
}
