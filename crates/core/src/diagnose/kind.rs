//! Instances and watches, told apart here alone.

use crate::attribute::Holder;
use crate::cause::Cause;
use crate::plan::{Proposal, common_watches, memory};
use crate::report::{Budget, User};

/// Which of the two budgets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// EMFILE from inotify_init1(2).
    Instances,
    /// ENOSPC from inotify_add_watch(2).
    Watches,
}

impl Kind {
    pub const BOTH: [Self; 2] = [Self::Instances, Self::Watches];

    pub fn cause(self) -> Cause {
        match self {
            Self::Instances => Cause::InotifyInstances,
            Self::Watches => Cause::InotifyWatches,
        }
    }

    pub fn noun(self) -> &'static str {
        match self {
            Self::Instances => "inotify instances",
            Self::Watches => "inotify watches",
        }
    }

    pub fn budget(self, user: &User) -> Budget {
        match self {
            Self::Instances => user.instances,
            Self::Watches => user.watches,
        }
    }

    pub fn budget_mut(self, user: &mut User) -> &mut Budget {
        match self {
            Self::Instances => &mut user.instances,
            Self::Watches => &mut user.watches,
        }
    }

    pub fn of(self, holder: &Holder) -> u64 {
        match self {
            Self::Instances => holder.instances,
            Self::Watches => holder.watches,
        }
    }

    /// What is refused when nothing is left.
    pub fn refusal(self) -> &'static str {
        match self {
            Self::Instances => "inotify_init fails with EMFILE, \"too many open files\"",
            Self::Watches => "inotify_add_watch fails with ENOSPC, \"no space left on device\"",
        }
    }

    /// What is generally recommended for a node; of watches no more than half its memory holds.
    pub fn floor(self, memory: Option<u64>) -> u64 {
        match self {
            Self::Instances => Proposal::COMMON_PRACTICE.max_user_instances,
            Self::Watches => common_watches(memory),
        }
    }

    /// The last part of the sysctl's name.
    pub fn knob(self) -> &'static str {
        match self {
            Self::Instances => "instances",
            Self::Watches => "watches",
        }
    }

    /// What raising it to `value` costs.
    pub fn cost(self, value: u64) -> String {
        let every = "raises the limit of every user of the node";
        match self {
            Self::Instances => every.to_owned(),
            Self::Watches => format!(
                "{every}; in use, {value} watches would take about {} of memory, an unused limit takes none",
                crate::amount::bytes(memory::of_watches(value))
            ),
        }
    }
}
