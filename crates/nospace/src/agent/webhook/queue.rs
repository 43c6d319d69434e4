use std::collections::VecDeque;

use jiff::Timestamp;

use crate::agent::kube::EventSpec;

/// More than that nobody reads, after an outage of the webhook.
const MAX: usize = 100;
/// Notices in one request.
const BATCH: usize = 20;

/// Something to post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What happened.
    pub spec: EventSpec,
    /// When.
    pub at: Timestamp,
}

/// What waits to be posted, oldest first.
#[derive(Debug, Default)]
pub struct NoticeQueue {
    waiting: VecDeque<Notice>,
    /// Notices that were not posted since the last that was.
    lost: u64,
}

impl NoticeQueue {
    /// Adds one; the oldest gives way where there are too many.
    pub fn push(&mut self, notice: Notice) {
        if self.waiting.len() >= MAX {
            self.waiting.pop_front();
            self.lost += 1;
        }
        self.waiting.push_back(notice);
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// What to post next, and how many before it were lost.
    pub fn batch(&self) -> (Vec<Notice>, u64) {
        let first = self.waiting.iter().take(BATCH);
        (first.cloned().collect(), self.lost)
    }

    /// The first `count` were posted.
    pub fn delivered(&mut self, count: usize) {
        self.waiting.drain(..count.min(self.waiting.len()));
        self.lost = 0;
    }

    /// The first `count` will not be posted.
    pub fn discard(&mut self, count: usize) {
        let count = count.min(self.waiting.len());
        self.waiting.drain(..count);
        self.lost += count as u64;
    }
}
