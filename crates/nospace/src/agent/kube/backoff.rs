//! When to try again.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::{Duration, Instant};

/// So long the API server may ask us to wait, and is obeyed.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(600);

/// Waits longer after each failure, never in step with other nodes.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    base: Duration,
    failures: u32,
    server_wait: bool,
    not_before: Option<Instant>,
}

impl Backoff {
    /// Waits about `base` after the first failure, and twice as long after each other.
    #[must_use]
    pub fn new(base: Duration) -> Self {
        Self {
            base,
            failures: 0,
            server_wait: false,
            not_before: None,
        }
    }

    /// Before this nothing may be tried.
    #[must_use]
    pub fn not_before(&self) -> Option<Instant> {
        self.not_before
    }

    /// It worked.
    pub fn succeeded(&mut self) {
        *self = Self::new(self.base);
    }

    /// It did not. No more than `most` is waited, but never less than the server `asked` for.
    pub fn failed(&mut self, now: Instant, most: Duration, server_wait: Option<Duration>) {
        let doubled = self.base.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        let wait = jittered(doubled.min(most));
        // All nodes are asked to wait equally long: the jitter comes on top.
        self.server_wait = server_wait.is_some();
        let server_wait = server_wait.map_or(Duration::ZERO, |server_wait| {
            server_wait.min(MAX_RETRY_AFTER) + wait / 2
        });
        self.not_before = Some(now + wait.max(server_wait));
    }

    /// Another try now; not where the server asked us to wait.
    pub fn skip_wait(&mut self) {
        if !self.server_wait {
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

    fn waits(backoff: &mut Backoff, now: Instant, server_wait: Option<Duration>) -> Duration {
        backoff.failed(now, MAX, server_wait);
        backoff.not_before().unwrap() - now
    }

    #[test]
    fn it_waits_longer_each_time_up_to_a_most() {
        let now = Instant::now();
        let mut backoff = Backoff::new(Duration::from_secs(1));
        for at_most in [1, 2, 4, 8, 16, 30, 30] {
            let wait = waits(&mut backoff, now, None);
            let most = Duration::from_secs(at_most);
            assert!(wait >= most / 2 && wait <= most, "{wait:?} of {most:?}");
        }
        backoff.succeeded();
        assert_eq!(backoff.not_before(), None);
        assert!(waits(&mut backoff, now, None) <= Duration::from_secs(1));
    }

    #[test]
    fn what_the_server_asks_for_is_the_least() {
        let now = Instant::now();
        let mut backoff = Backoff::new(Duration::from_millis(10));
        let server_wait = Duration::from_secs(60);
        assert!(waits(&mut backoff, now, Some(server_wait)) >= server_wait);
        let forever = waits(&mut backoff, now, Some(Duration::from_secs(1 << 40)));
        assert!(forever <= MAX_RETRY_AFTER + MAX);
    }

    #[test]
    fn two_nodes_do_not_wait_equally_long() {
        let waits: std::collections::BTreeSet<Duration> = (0..20).map(|_| jittered(MAX)).collect();
        assert!(waits.len() > 10, "{waits:?}");
    }
}
