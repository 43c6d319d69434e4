use std::str::FromStr;
use std::time::Duration;

use nospace_core::model::Provenance;
use nospace_core::report::Budget;

/// How much of a budget is to be used up, as it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Until this much is left.
    Leave(u64),
    /// This much, or as much as there is.
    Amount(u64),
    /// Until this percentage of the limit is in use, by all together.
    Percent(u8),
}

/// How much that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FillLevel {
    /// Until this much is left.
    Leave(u64),
    /// This much, or as much as there is.
    Amount(u64),
}

impl Request {
    /// The level within a budget of `limit`.
    #[must_use]
    pub fn within(self, limit: u64) -> FillLevel {
        match self {
            Self::Leave(left) => FillLevel::Leave(left),
            Self::Amount(amount) => FillLevel::Amount(amount),
            Self::Percent(percent) => {
                let used = u128::from(limit) * u128::from(percent) / 100;
                FillLevel::Leave(limit.saturating_sub(u64::try_from(used).unwrap_or(limit)))
            }
        }
    }
}

impl FillLevel {
    /// How much is to be taken of what is free.
    #[must_use]
    pub fn of(self, free: u64) -> u64 {
        match self {
            Self::Leave(left) => free.saturating_sub(left),
            Self::Amount(amount) => amount.min(free),
        }
    }
}

/// A budget before anything is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Headroom {
    /// The limit.
    pub limit: u64,
    /// Amount in use.
    pub used: u64,
    /// Amount that is left.
    pub free: u64,
    /// How far both can be trusted.
    pub provenance: Provenance,
}

impl Headroom {
    /// Of which the kernel itself tells how much is left.
    #[must_use]
    pub fn exact(limit: u64, free: u64) -> Self {
        Self {
            limit,
            used: limit.saturating_sub(free),
            free,
            provenance: Provenance::Exact,
        }
    }

    /// As a look at the node has it, unless the kernel tells.
    #[must_use]
    pub fn new(seen: &Budget, free: Option<u64>) -> Self {
        let limit = seen.limit.unwrap_or(0);
        match free {
            Some(free) => Self::exact(limit, free),
            None => Self {
                limit,
                used: seen.used,
                free: limit.saturating_sub(seen.used),
                provenance: seen.provenance,
            },
        }
    }
}

/// How fast to take: units per time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    count: u64,
    time: Duration,
}

impl Rate {
    /// How many may have been taken `since` the start.
    #[must_use]
    pub fn after(self, since: Duration) -> u64 {
        let count = u128::from(self.count) * since.as_micros() / self.time.as_micros().max(1);
        u64::try_from(count).unwrap_or(u64::MAX)
    }

    /// How long it takes to take `amount`.
    #[must_use]
    pub fn time_for(self, amount: u64) -> Duration {
        let each = self.time.as_secs_f64() / self.count as f64;
        Duration::try_from_secs_f64(each * amount as f64).unwrap_or(Duration::MAX)
    }
}

impl FromStr for Rate {
    type Err = String;

    /// `1000`, `1000/s`, `60/m`, `3600/h`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (count, unit) = text.split_once('/').unwrap_or((text, "s"));
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => 0,
        };
        match count.parse() {
            Ok(count) if count > 0 && seconds > 0 => Ok(Self {
                count,
                time: Duration::from_secs(seconds),
            }),
            _ => Err("expected a rate such as 1000/s or 60/m".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_is_of_the_limit() {
        assert_eq!(Request::Percent(90).within(1000), FillLevel::Leave(100));
        assert_eq!(Request::Percent(100).within(1001), FillLevel::Leave(0));
        assert_eq!(
            Request::Percent(50).within(u64::MAX),
            FillLevel::Leave(1 << 63)
        );
        assert_eq!(FillLevel::Leave(100).of(400), 300);
        assert_eq!(FillLevel::Leave(100).of(99), 0);
        assert_eq!(FillLevel::Amount(100).of(99), 99);
    }

    #[test]
    fn rates() {
        let rate: Rate = "1000/s".parse().unwrap();
        assert_eq!(rate.after(Duration::from_millis(1500)), 1500);
        assert_eq!(rate.time_for(1500), Duration::from_millis(1500));
        assert_eq!("1000".parse(), Ok(rate));
        let slow: Rate = "60/m".parse().unwrap();
        assert_eq!(slow.after(Duration::from_millis(2999)), 2);
        for wrong in ["", "0/s", "10/d", "/s", "-1", "fast"] {
            assert!(wrong.parse::<Rate>().is_err(), "{wrong}");
        }
    }
}
