//! The conditions as they stand: since when, and whether a look is worth a word. Pure: the time is given.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::conditions::{Kind, Status, Wanted};

/// A condition as it is to be posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// What is said.
    pub wanted: Wanted,
    /// When its status flipped last.
    pub since: Timestamp,
    /// Until when a look has said the same, or worse.
    seen: Instant,
}

/// How much of a change it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Nothing that a heartbeat would not tell in time.
    None,
    /// Other figures of a problem.
    Text,
    /// Another status or reason.
    Status,
}

/// What the node's conditions were before this agent began, by kind.
pub type Before = Vec<(Kind, Status, Timestamp)>;

/// The conditions of this node.
#[derive(Clone, Debug)]
pub struct Standing {
    calm: Duration,
    conditions: Vec<Condition>,
}

impl Standing {
    /// A status that is better, or that could not be told, has to last for `calm` before it is believed: a budget at its limit goes up
    /// and down by one.
    #[must_use]
    pub fn new(calm: Duration) -> Self {
        Self {
            calm,
            conditions: Vec::new(),
        }
    }

    /// Takes what a look said. `at` is the look's time, `now` that of day.
    pub fn take(&mut self, wanted: [Wanted; 4], at: Instant, now: Timestamp) -> Change {
        if self.conditions.is_empty() {
            let fresh = |wanted| Condition {
                wanted,
                since: now,
                seen: at,
            };
            self.conditions = wanted.map(fresh).into();
            return Change::Status;
        }
        let calm = self.calm;
        let changes = self.conditions.iter_mut().zip(wanted);
        let changes = changes.map(|(condition, wanted)| condition.take(wanted, at, now, calm));
        changes.max().unwrap_or(Change::None)
    }

    /// Takes the times of flips from what the node says of an agent before this one.
    pub fn remember(&mut self, before: &Before) {
        for condition in &mut self.conditions {
            let same = |(kind, status, _): &&(Kind, Status, Timestamp)| {
                *kind == condition.wanted.kind && *status == condition.wanted.status
            };
            if let Some((_, _, since)) = before.iter().find(same) {
                condition.since = *since;
            }
        }
    }

    /// The conditions, once there was a look.
    #[must_use]
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }
}

impl Condition {
    fn take(&mut self, wanted: Wanted, at: Instant, now: Timestamp, calm: Duration) -> Change {
        let (old, new) = (self.wanted.status, wanted.status);
        let worse = new == old || new == Status::True;
        if worse {
            self.seen = at;
        } else if at.saturating_duration_since(self.seen) < calm {
            return Change::None;
        } else {
            self.seen = at;
        }
        let change = if new != old || wanted.reason != self.wanted.reason {
            Change::Status
        } else if new == Status::True && wanted.message != self.wanted.message {
            Change::Text
        } else {
            Change::None
        };
        if new != old {
            self.since = now;
        }
        self.wanted = wanted;
        change
    }
}

#[cfg(test)]
#[path = "standing_tests.rs"]
mod tests;
