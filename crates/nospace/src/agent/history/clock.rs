use jiff::{SignedDuration, Timestamp};
use rustix::time::{ClockId, clock_gettime};

/// A moment by both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// Milliseconds since this boot; goes on while the node sleeps.
    pub at: i64,
    /// The time of day.
    pub wall: Timestamp,
}

impl Clock {
    /// Now.
    pub fn now() -> Self {
        let time = clock_gettime(ClockId::Boottime);
        Self {
            at: time.tv_sec * 1000 + time.tv_nsec / 1_000_000,
            wall: Timestamp::now(),
        }
    }

    /// The time of day that was at `at`, as far as the clock is right now: it may have been set since.
    pub fn time_of_day(&self, at: i64) -> Timestamp {
        let ago = SignedDuration::from_millis(self.at.saturating_sub(at));
        let moment = self.wall.checked_sub(ago);
        let moment = moment.unwrap_or(if at < self.at {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        });
        moment.round(jiff::Unit::Millisecond).unwrap_or(moment)
    }

    /// The other way round.
    pub fn at(&self, moment: Timestamp) -> i64 {
        let ago = self
            .wall
            .as_millisecond()
            .saturating_sub(moment.as_millisecond());
        self.at.saturating_sub(ago)
    }
}
