//! When to retry.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::{Duration, Instant};

/// The longest `Retry-After` that is honoured.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(600);

/// Exponential back-off with jitter, so that nodes do not retry in step.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    base: Duration,
    failures: u32,
    retry_after: bool,
    not_before: Option<Instant>,
}

impl Backoff {
    /// Waits about `base` after the first failure, and twice as long after each further one.
    #[must_use]
    pub fn new(base: Duration) -> Self {
        Self {
            base,
            failures: 0,
            retry_after: false,
            not_before: None,
        }
    }

    /// The earliest time of the next attempt.
    #[must_use]
    pub fn not_before(&self) -> Option<Instant> {
        self.not_before
    }

    /// The request succeeded.
    pub fn succeeded(&mut self) {
        *self = Self::new(self.base);
    }

    /// The request failed. The wait is at most `max`, but never less than `retry_after`.
    pub fn failed(&mut self, now: Instant, max: Duration, retry_after: Option<Duration>) {
        let doubled = self.base.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        let wait = jittered(doubled.min(max));
        // All nodes get the same Retry-After: the jitter comes on top.
        self.retry_after = retry_after.is_some();
        let retry_after = retry_after.map_or(Duration::ZERO, |retry_after| {
            retry_after.min(MAX_RETRY_AFTER) + wait / 2
        });
        self.not_before = Some(now + wait.max(retry_after));
    }

    /// Allows an attempt now, unless the server sent `Retry-After`.
    pub fn skip_wait(&mut self) {
        if !self.retry_after {
            self.not_before = None;
        }
    }
}

/// Between half of `time` and all of it.
#[must_use]
pub fn jittered(time: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish();
    let share = u32::try_from(random % 1_000).unwrap_or_default();
    time / 2 + time / 2_000 * share
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: Duration = Duration::from_secs(30);

    fn waits(backoff: &mut Backoff, now: Instant, retry_after: Option<Duration>) -> Duration {
        backoff.failed(now, MAX, retry_after);
        backoff.not_before().unwrap() - now
    }

    #[test]
    fn it_waits_longer_each_time_up_to_a_most() {
        let now = Instant::now();
        let mut backoff = Backoff::new(Duration::from_secs(1));
        for at_most in [1, 2, 4, 8, 16, 30, 30] {
            let wait = waits(&mut backoff, now, None);
            let max = Duration::from_secs(at_most);
            assert!(wait >= max / 2 && wait <= max, "{wait:?} of {max:?}");
        }
        backoff.succeeded();
        assert_eq!(backoff.not_before(), None);
        assert!(waits(&mut backoff, now, None) <= Duration::from_secs(1));
    }

    #[test]
    fn what_the_server_asks_for_is_the_least() {
        let now = Instant::now();
        let mut backoff = Backoff::new(Duration::from_millis(10));
        let retry_after = Duration::from_secs(60);
        assert!(waits(&mut backoff, now, Some(retry_after)) >= retry_after);
        let forever = waits(&mut backoff, now, Some(Duration::from_secs(1 << 40)));
        assert!(forever <= MAX_RETRY_AFTER + MAX);
    }

    #[test]
    fn two_nodes_do_not_wait_equally_long() {
        let waits: std::collections::BTreeSet<Duration> = (0..20).map(|_| jittered(MAX)).collect();
        assert!(waits.len() > 10, "{waits:?}");
    }
}
