use std::fmt;

use nospace_core::model::{UserCounters, UserKey};

use crate::host::Host;

/// The kernel's books, asked about one user.
#[derive(Clone, Copy)]
pub struct InotifyAccounting<'h> {
    host: &'h dyn Host,
    key: UserKey,
    limits: (u64, u64),
}

impl fmt::Debug for InotifyAccounting<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InotifyAccounting")
            .field("key", &self.key)
            .finish()
    }
}

impl<'h> InotifyAccounting<'h> {
    /// The books of `host` about `key`, whose limits of watches and instances are these.
    #[must_use]
    pub fn new(host: &'h dyn Host, key: UserKey, limits: (u64, u64)) -> Self {
        Self { host, key, limits }
    }

    /// Watches that are free; `None` where the books cannot be read.
    #[must_use]
    pub fn watches_left(&self) -> Option<u64> {
        let user = self.counters()?;
        Some(user.watches_limit.saturating_sub(user.watches))
    }

    /// Instances that are free.
    #[must_use]
    pub fn instances_left(&self) -> Option<u64> {
        let user = self.counters()?;
        Some(user.instances_limit.saturating_sub(user.instances))
    }

    /// A user that is not on the books has nothing yet.
    fn counters(&self) -> Option<UserCounters> {
        let counters = self.host.books().ok()?.inotify.counters?;
        let known = counters.into_iter().find(|user| user.key == self.key);
        Some(known.unwrap_or(UserCounters {
            key: self.key,
            instances: 0,
            watches: 0,
            instances_limit: self.limits.1,
            watches_limit: self.limits.0,
        }))
    }
}
