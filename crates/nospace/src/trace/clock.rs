use std::time::Duration;

use jiff::Timestamp;
use rustix::time::{ClockId, clock_gettime};

/// Turns the kernel's monotonic times into times of day.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Timestamp,
    monotonic: Duration,
}

impl Clock {
    /// Sets it by the system's clocks.
    #[must_use]
    pub fn now() -> Self {
        Self {
            start: Timestamp::now(),
            monotonic: Self::monotonic(),
        }
    }

    /// The time of day at `monotonic`, RFC 3339, UTC, to the microsecond.
    #[must_use]
    pub fn at(&self, monotonic: Duration) -> String {
        let time = if monotonic >= self.monotonic {
            self.start.checked_add(monotonic - self.monotonic)
        } else {
            self.start.checked_sub(self.monotonic - monotonic)
        };
        format!("{:.6}", time.unwrap_or(self.start))
    }

    /// Now, as the kernel's programs count.
    #[must_use]
    pub fn monotonic() -> Duration {
        let now = clock_gettime(ClockId::Monotonic);
        Duration::try_from(now).unwrap_or_default()
    }

    /// The time of day now, likewise.
    #[must_use]
    pub fn read() -> String {
        format!("{:.6}", Timestamp::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monotonic_times_become_times_of_day() {
        let clock = Clock {
            start: "2026-01-02T03:04:05Z".parse().unwrap(),
            monotonic: Duration::from_secs(1000),
        };
        assert_eq!(
            clock.at(Duration::from_millis(1_001_500)),
            "2026-01-02T03:04:06.500000Z"
        );
        assert_eq!(
            clock.at(Duration::from_secs(999)),
            "2026-01-02T03:04:04.000000Z"
        );
    }
}
