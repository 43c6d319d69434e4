//! Events that wait for the API server, and those that it has: each once, however often it happened. Pure.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::event_tracker::{EventSpec, EventTarget};

/// So many different events wait; the oldest are given up for newer ones.
const MAX_PENDING: usize = 64;
/// So many are remembered as posted; one that was forgotten is found again by its name.
const MAX_REMOTE: usize = 256;

/// The API server's `--event-ttl`, if nobody set it.
const EVENT_TTL: SignedDuration = SignedDuration::from_hours(1);

/// Which event it is: object, reason, subject.
pub type Id = (EventTarget, String, String);

/// An event that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingEvent {
    /// What happened, as it was told last.
    pub spec: EventSpec,
    /// When it happened first of the times that the server has not heard of.
    pub first: Timestamp,
    /// And last.
    pub last: Timestamp,
    /// How often.
    pub times: i32,
}

/// What is known of an event on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoteEvent {
    /// It is there, made by an agent before this one; its count is still to be read.
    UnknownCount,
    /// It is there, with this count.
    Count(i32),
}

/// Events on their way.
#[derive(Debug, Default)]
pub struct EventQueue {
    pending: VecDeque<(Id, PendingEvent)>,
    remote: VecDeque<(Id, RemoteEvent)>,
    /// Events that were given up.
    pub dropped: u64,
}

impl EventQueue {
    /// Puts what happened in; what happens again while it waits is one event.
    pub fn push(&mut self, spec: EventSpec, now: Timestamp) {
        let id = (
            spec.object.clone(),
            spec.reason.clone(),
            spec.subject.clone(),
        );
        if let Some((_, pending)) = self.pending.iter_mut().find(|(other, _)| *other == id) {
            pending.last = now;
            pending.times = pending.times.saturating_add(1);
            pending.spec = spec;
            return;
        }
        if self.pending.len() >= MAX_PENDING {
            self.pending.pop_front();
            self.dropped += 1;
        }
        let pending = PendingEvent {
            spec,
            first: now,
            last: now,
            times: 1,
        };
        self.pending.push_back((id, pending));
    }

    /// The one that waits longest, and what is known of it on the server.
    #[must_use]
    pub fn next(&self) -> Option<(&PendingEvent, Option<RemoteEvent>)> {
        let (id, pending) = self.pending.front()?;
        let remote = self.remote.iter().find(|(other, _)| other == id);
        Some((pending, remote.map(|(_, remote)| *remote)))
    }

    /// The first is on the server now.
    pub fn done(&mut self, remote: RemoteEvent) {
        if let Some((id, _)) = self.pending.pop_front() {
            self.remember(id, Some(remote));
        }
    }

    /// The first is to be tried again, with what is known of it on the server.
    pub fn update(&mut self, remote: Option<RemoteEvent>) {
        if let Some((id, _)) = self.pending.front() {
            self.remember(id.clone(), remote);
        }
    }

    /// The first will never be taken.
    pub fn give_up(&mut self) {
        if self.pending.pop_front().is_some() {
            self.dropped += 1;
        }
    }

    /// The first was refused and makes way for the others; for good, once the server would forget it anyway.
    pub fn defer(&mut self, now: Timestamp) {
        let expired =
            |(_, pending): &(Id, PendingEvent)| now.duration_since(pending.last) > EVENT_TTL;
        match self.pending.front() {
            Some(first) if expired(first) => self.give_up(),
            Some(_) => self.pending.rotate_left(1),
            None => {}
        }
    }

    /// Nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    fn remember(&mut self, id: Id, remote: Option<RemoteEvent>) {
        self.remote.retain(|(other, _)| *other != id);
        self.remote.extend(remote.map(|remote| (id, remote)));
        if self.remote.len() > MAX_REMOTE {
            self.remote.pop_front();
        }
    }
}

/// The name of an event: the same for the same thing, so that an agent that was started anew adds to the event of the one before it.
#[must_use]
pub fn name(object: &str, spec: &EventSpec) -> String {
    let pod = match &spec.object {
        EventTarget::Node => "",
        EventTarget::Pod(pod) => &pod.uid,
    };
    let hash = fnv1a([pod, &spec.reason, &spec.subject].join("\0").as_bytes());
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
pub struct TokenBucket {
    most: u32,
    every: Duration,
    left: u32,
    filled: Instant,
}

impl TokenBucket {
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
#[path = "event_queue_tests.rs"]
mod tests;
