//! Events that wait for the API server, and those that it has: each once, with a count. Pure.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::event_tracker::{EventSpec, EventTarget};

/// Pending events; the oldest are dropped for newer ones.
const MAX_PENDING: usize = 64;
/// Published events that are remembered; any other is found again by its name.
const MAX_REMOTE: usize = 256;

/// The API server's default `--event-ttl`.
const EVENT_TTL: SignedDuration = SignedDuration::from_hours(1);

/// Object, reason and subject, which identify an event.
pub type Id = (EventTarget, String, String);

/// An event that waits to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingEvent {
    /// The event, with its latest message.
    pub spec: EventSpec,
    /// When it first happened since it was last published.
    pub first: Timestamp,
    /// When it last happened.
    pub last: Timestamp,
    /// How often it has happened since it was last published.
    pub times: i32,
}

/// What is known of an event that is on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoteEvent {
    /// An earlier agent created it; its count has yet to be read.
    UnknownCount,
    /// Its count.
    Count(i32),
}

/// Events to publish, in order.
#[derive(Debug, Default)]
pub struct EventQueue {
    pending: VecDeque<(Id, PendingEvent)>,
    remote: VecDeque<(Id, RemoteEvent)>,
    /// How many events were dropped.
    pub dropped: u64,
}

impl EventQueue {
    /// Adds an event; one that is already pending is counted up.
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

    /// The first event, and what is known of it on the server.
    #[must_use]
    pub fn next(&self) -> Option<(&PendingEvent, Option<RemoteEvent>)> {
        let (id, pending) = self.pending.front()?;
        let remote = self.remote.iter().find(|(other, _)| other == id);
        Some((pending, remote.map(|(_, remote)| *remote)))
    }

    /// The first event was published.
    pub fn done(&mut self, remote: RemoteEvent) {
        if let Some((id, _)) = self.pending.pop_front() {
            self.remember(id, Some(remote));
        }
    }

    /// Sets what is known of the first event on the server; it stays first.
    pub fn update(&mut self, remote: Option<RemoteEvent>) {
        if let Some((id, _)) = self.pending.front() {
            self.remember(id.clone(), remote);
        }
    }

    /// The first event cannot be published.
    pub fn discard(&mut self) {
        if self.pending.pop_front().is_some() {
            self.dropped += 1;
        }
    }

    /// Moves the first event to the end, or drops it once the server would have deleted it.
    pub fn defer(&mut self, now: Timestamp) {
        let expired =
            |(_, pending): &(Id, PendingEvent)| now.duration_since(pending.last) > EVENT_TTL;
        match self.pending.front() {
            Some(first) if expired(first) => self.discard(),
            Some(_) => self.pending.rotate_left(1),
            None => {}
        }
    }

    /// Whether no event is pending.
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

/// The name of an event: the same from agent to agent, so that a restarted one adds to the event that is there.
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

/// Allows a burst of events, and then one per interval.
#[derive(Clone, Copy, Debug)]
pub struct TokenBucket {
    burst: u32,
    interval: Duration,
    left: u32,
    filled: Instant,
}

impl TokenBucket {
    /// A full bucket.
    #[must_use]
    pub fn new(burst: u32, interval: Duration, now: Instant) -> Self {
        Self {
            burst,
            interval,
            left: burst,
            filled: now,
        }
    }

    /// When a token is available; in the past if one is now.
    #[must_use]
    pub fn ready(&self) -> Instant {
        match self.left {
            0 => self.filled + self.interval,
            _ => self.filled,
        }
    }

    /// Takes a token.
    pub fn take(&mut self, now: Instant) {
        while self.left < self.burst && now.saturating_duration_since(self.filled) >= self.interval
        {
            self.left += 1;
            self.filled += self.interval;
        }
        if self.left == self.burst {
            self.filled = now;
        }
        self.left = self.left.saturating_sub(1);
    }
}

#[cfg(test)]
#[path = "event_queue_tests.rs"]
mod tests;
