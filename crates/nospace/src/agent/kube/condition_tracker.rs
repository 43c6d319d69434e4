//! The current conditions, their last transitions, and whether an observation changes them. Pure: the time is a parameter.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::conditions::{Assessment, ConditionType, Status};

/// A condition to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Status, reason and message.
    pub assessment: Assessment,
    /// When its status changed last.
    pub since: Timestamp,
    /// When an observation last showed this status or a worse one.
    confirmed: Instant,
}

/// How much an observation changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Nothing that cannot wait for the heartbeat.
    None,
    /// The message of a problem.
    Message,
    /// A status or reason.
    Status,
}

/// Status and last transition of the conditions that an earlier agent left.
pub type PreviousConditions = Vec<(ConditionType, Status, Timestamp)>;

/// Tracks the conditions of this node.
#[derive(Clone, Debug)]
pub struct ConditionTracker {
    settle_time: Duration,
    conditions: Vec<Condition>,
}

impl ConditionTracker {
    /// A better or unknown status has to last for `settle_time` before it is taken over: usage at a limit goes up and down by one.
    #[must_use]
    pub fn new(settle_time: Duration) -> Self {
        Self {
            settle_time,
            conditions: Vec::new(),
        }
    }

    /// Takes the assessments of an observation that ended at `at`; `now` is the time of day.
    pub fn update(&mut self, assessments: Vec<Assessment>, at: Instant, now: Timestamp) -> Change {
        let mut before = std::mem::take(&mut self.conditions);
        let mut change = Change::None;
        for assessment in assessments {
            let known = |one: &Condition| one.assessment.kind == assessment.kind;
            let known = before.iter().position(known);
            if let Some(known) = known {
                let mut condition = before.remove(known);
                change = change.max(condition.update(assessment, at, now, self.settle_time));
                self.conditions.push(condition);
            } else {
                change = Change::Status;
                self.conditions.push(Condition {
                    assessment,
                    since: now,
                    confirmed: at,
                });
            }
        }
        // What is not applied any more is removed.
        match before.is_empty() {
            true => change,
            false => Change::Status,
        }
    }

    /// Takes over the last transitions of conditions that an earlier agent left with the same status.
    pub fn restore(&mut self, previous: &PreviousConditions) {
        for condition in &mut self.conditions {
            let same = |(kind, status, _): &&(ConditionType, Status, Timestamp)| {
                *kind == condition.assessment.kind && *status == condition.assessment.status
            };
            if let Some((_, _, since)) = previous.iter().find(same) {
                condition.since = *since;
            }
        }
    }

    /// The conditions; none before the first observation.
    #[must_use]
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }
}

impl Condition {
    fn update(
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
            Change::Message
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
