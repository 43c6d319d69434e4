//! The two things that inotify counts for each user, told apart here alone.

use std::ops::{Index, IndexMut};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::amount::count;
use crate::cause::Cause;

/// Which of the two that a user has limits of.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum InotifyResource {
    /// EMFILE from inotify_init1(2).
    Instances,
    /// ENOSPC from inotify_add_watch(2).
    Watches,
}

impl InotifyResource {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Instances, Self::Watches];

    /// The one whose exhaustion `cause` is.
    #[must_use]
    pub fn of_cause(cause: Cause) -> Option<Self> {
        Self::BOTH.into_iter().find(|one| one.cause() == cause)
    }

    /// The cause code of its exhaustion.
    #[must_use]
    pub fn cause(self) -> Cause {
        match self {
            Self::Instances => Cause::InotifyInstances,
            Self::Watches => Cause::InotifyWatches,
        }
    }

    /// `instances` or `watches`: the unit, and the last part of the sysctl's name.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Instances => "instances",
            Self::Watches => "watches",
        }
    }

    /// `1 instance`, `1,000 watches`.
    #[must_use]
    pub fn count(self, n: u64) -> String {
        match self {
            Self::Instances => count(n, "instance", "instances"),
            Self::Watches => count(n, "watch", "watches"),
        }
    }

    /// `inotify instances` or `inotify watches`.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::Instances => "inotify instances",
            Self::Watches => "inotify watches",
        }
    }

    /// The same, after a number: `inotify instance` after 1.
    #[must_use]
    pub fn noun_of(self, n: u64) -> &'static str {
        match (self, n) {
            (Self::Instances, 1) => "inotify instance",
            (Self::Watches, 1) => "inotify watch",
            _ => self.noun(),
        }
    }

    /// What is refused when none is left.
    #[must_use]
    pub fn refusal(self) -> &'static str {
        match self {
            Self::Instances => "inotify_init fails with EMFILE, \"too many open files\"",
            Self::Watches => "inotify_add_watch fails with ENOSPC, \"no space left on device\"",
        }
    }
}

/// One value for instances and one for watches.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[schemars(rename = "Pair")]
pub struct Pair<T> {
    /// Of instances.
    pub instances: T,
    /// Of watches.
    pub watches: T,
}

impl<T> Pair<T> {
    /// These two values.
    pub const fn of(instances: T, watches: T) -> Self {
        Self { instances, watches }
    }

    /// The value that `of` gives for each.
    pub fn new(of: impl Fn(InotifyResource) -> T) -> Self {
        Self {
            instances: of(InotifyResource::Instances),
            watches: of(InotifyResource::Watches),
        }
    }

    /// The same of each value.
    pub fn map<U>(self, mut to: impl FnMut(T) -> U) -> Pair<U> {
        Pair {
            instances: to(self.instances),
            watches: to(self.watches),
        }
    }
}

impl Pair<u64> {
    /// The sum of both pairs, saturating.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self::new(|one| self[one].saturating_add(other[one]))
    }

    /// What is left without `other`; 0 at the least.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self::new(|one| self[one].saturating_sub(other[one]))
    }
}

impl<T> Index<InotifyResource> for Pair<T> {
    type Output = T;

    fn index(&self, one: InotifyResource) -> &T {
        match one {
            InotifyResource::Instances => &self.instances,
            InotifyResource::Watches => &self.watches,
        }
    }
}

impl<T> IndexMut<InotifyResource> for Pair<T> {
    fn index_mut(&mut self, one: InotifyResource) -> &mut T {
        match one {
            InotifyResource::Instances => &mut self.instances,
            InotifyResource::Watches => &mut self.watches,
        }
    }
}
