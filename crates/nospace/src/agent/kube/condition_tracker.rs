//! The conditions as they stand: since when, and whether a look is worth a word. Pure: the time is given.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::conditions::{Assessment, ConditionType, Status};

/// A condition as it is to be posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// What is said.
    pub assessment: Assessment,
    /// When its status flipped last.
    pub since: Timestamp,
    /// Until when a look has said the same, or worse.
    confirmed: Instant,
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
pub type PreviousConditions = Vec<(ConditionType, Status, Timestamp)>;

/// The conditions of this node.
#[derive(Clone, Debug)]
pub struct ConditionTracker {
    settle_time: Duration,
    conditions: Vec<Condition>,
}

impl ConditionTracker {
    /// A status that is better, or that could not be told, has to last for `calm` before it is believed: a budget at its limit goes up
    /// and down by one.
    #[must_use]
    pub fn new(settle_time: Duration) -> Self {
        Self {
            settle_time,
            conditions: Vec::new(),
        }
    }

    /// Takes what a look said. `at` is the look's time, `now` that of day.
    pub fn take(&mut self, assessments: [Assessment; 4], at: Instant, now: Timestamp) -> Change {
        if self.conditions.is_empty() {
            let fresh = |assessment| Condition {
                assessment,
                since: now,
                confirmed: at,
            };
            self.conditions = assessments.map(fresh).into();
            return Change::Status;
        }
        let settle_time = self.settle_time;
        let changes = self.conditions.iter_mut().zip(assessments);
        let changes =
            changes.map(|(condition, assessment)| condition.take(assessment, at, now, settle_time));
        changes.max().unwrap_or(Change::None)
    }

    /// Takes the times of flips from what the node says of an agent before this one.
    pub fn remember(&mut self, previous: &PreviousConditions) {
        for condition in &mut self.conditions {
            let same = |(kind, status, _): &&(ConditionType, Status, Timestamp)| {
                *kind == condition.assessment.kind && *status == condition.assessment.status
            };
            if let Some((_, _, since)) = previous.iter().find(same) {
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
    fn take(
        &mut self,
        assessment: Assessment,
        at: Instant,
        now: Timestamp,
        settle_time: Duration,
    ) -> Change {
        let (old, new) = (self.assessment.status, assessment.status);
        let worse = new == old || new == Status::True;
        if worse {
            self.confirmed = at;
        } else if at.saturating_duration_since(self.confirmed) < settle_time {
            return Change::None;
        } else {
            self.confirmed = at;
        }
        let change = if new != old || assessment.reason != self.assessment.reason {
            Change::Status
        } else if new == Status::True && assessment.message != self.assessment.message {
            Change::Text
        } else {
            Change::None
        };
        if new != old {
            self.since = now;
        }
        self.assessment = assessment;
        change
    }
}

#[cfg(test)]
#[path = "condition_tracker_tests.rs"]
mod tests;
