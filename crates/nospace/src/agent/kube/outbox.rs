//! Events that wait for the API server, and those that it has: each once, however often it happened. Pure.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::troubles::{Note, Object};

/// So many different events wait; the oldest are given up for newer ones.
const MOST_WAITING: usize = 64;
/// So many are remembered as posted; one that was forgotten is found again by its name.
const MOST_POSTED: usize = 256;

/// The API server's `--event-ttl`, if nobody set it.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(1);

/// Which event it is: object, reason, subject.
pub type Id = (Object, String, String);

/// An event that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// What happened, as it was told last.
    pub note: Note,
    /// When it happened first of the times that the server has not heard of.
    pub first: Timestamp,
    /// And last.
    pub last: Timestamp,
    /// How often.
    pub times: i32,
}

/// What is known of an event on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    /// It is there, made by an agent before this one; its count is still to be read.
    Found,
    /// It is there, with this count.
    Counted(i32),
}

/// Events on their way.
#[derive(Debug, Default)]
pub struct Outbox {
    waiting: VecDeque<(Id, Waiting)>,
    posted: VecDeque<(Id, Posted)>,
    /// Events that were given up.
    pub dropped: u64,
}

impl Outbox {
    /// Puts what happened in; what happens again while it waits is one event.
    pub fn put(&mut self, note: Note, now: Timestamp) {
        let id = (
            note.object.clone(),
            note.reason.clone(),
            note.subject.clone(),
        );
        if let Some((_, waiting)) = self.waiting.iter_mut().find(|(other, _)| *other == id) {
            waiting.last = now;
            waiting.times = waiting.times.saturating_add(1);
            waiting.note = note;
            return;
        }
        if self.waiting.len() >= MOST_WAITING {
            self.waiting.pop_front();
            self.dropped += 1;
        }
        let waiting = Waiting {
            note,
            first: now,
            last: now,
            times: 1,
        };
        self.waiting.push_back((id, waiting));
    }

    /// The one that waits longest, and what is known of it on the server.
    #[must_use]
    pub fn next(&self) -> Option<(&Waiting, Option<Posted>)> {
        let (id, waiting) = self.waiting.front()?;
        let posted = self.posted.iter().find(|(other, _)| other == id);
        Some((waiting, posted.map(|(_, posted)| *posted)))
    }

    /// The first is on the server now.
    pub fn done(&mut self, posted: Posted) {
        if let Some((id, _)) = self.waiting.pop_front() {
            self.know(id, Some(posted));
        }
    }

    /// The first is to be tried again, with what is known of it on the server.
    pub fn learn(&mut self, posted: Option<Posted>) {
        if let Some((id, _)) = self.waiting.front() {
            self.know(id.clone(), posted);
        }
    }

    /// The first will never be taken.
    pub fn give_up(&mut self) {
        if self.waiting.pop_front().is_some() {
            self.dropped += 1;
        }
    }

    /// The first was refused and makes way for the others; for good, once the server would forget it anyway.
    pub fn make_way(&mut self, now: Timestamp) {
        let forgotten = |(_, waiting): &(Id, Waiting)| now.duration_since(waiting.last) > FORGOTTEN;
        match self.waiting.front() {
            Some(first) if forgotten(first) => self.give_up(),
            Some(_) => self.waiting.rotate_left(1),
            None => {}
        }
    }

    /// Nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn know(&mut self, id: Id, posted: Option<Posted>) {
        self.posted.retain(|(other, _)| *other != id);
        self.posted.extend(posted.map(|posted| (id, posted)));
        if self.posted.len() > MOST_POSTED {
            self.posted.pop_front();
        }
    }
}

/// The name of an event: the same for the same thing, so that an agent that was started anew adds to the event of the one before it.
#[must_use]
pub fn name(object: &str, note: &Note) -> String {
    let pod = match &note.object {
        Object::Node => "",
        Object::Pod(pod) => &pod.uid,
    };
    let hash = fnv1a([pod, &note.reason, &note.subject].join("\0").as_bytes());
    // A name may have 253 characters (a DNS subdomain).
    let object: String = object.chars().take(200).collect();
    format!("{}.{hash:016x}", object.trim_end_matches(['.', '-']))
}

/// FNV-1a, 64 bits: the standard library's hasher may change with the compiler, and an event's name must not.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// So many events at once, and then one in a while.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    most: u32,
    every: Duration,
    left: u32,
    filled: Instant,
}

impl Bucket {
    /// A full one.
    #[must_use]
    pub fn new(most: u32, every: Duration, now: Instant) -> Self {
        Self {
            most,
            every,
            left: most,
            filled: now,
        }
    }

    /// When the next token can be taken; now or earlier, if one is there.
    #[must_use]
    pub fn ready(&self) -> Instant {
        match self.left {
            0 => self.filled + self.every,
            _ => self.filled,
        }
    }

    /// Takes one.
    pub fn take(&mut self, now: Instant) {
        while self.left < self.most && now.saturating_duration_since(self.filled) >= self.every {
            self.left += 1;
            self.filled += self.every;
        }
        if self.left == self.most {
            self.filled = now;
        }
        self.left = self.left.saturating_sub(1);
    }
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
