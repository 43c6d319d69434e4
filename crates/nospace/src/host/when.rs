//! Which sample of a timeline is meant.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::duration;

/// A time as people type it; [`fmt::Display`] gives that back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    typed: String,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    /// RFC 3339.
    Timestamp(Timestamp),
    /// A time of the day, UTC.
    Clock(Time),
    /// Before the last sample.
    Ago(Duration),
}

impl FromStr for When {
    type Err = String;

    fn from_str(typed: &str) -> Result<Self, String> {
        let what = match typed.strip_prefix('-') {
            Some(ago) => duration::parse(ago).ok().map(What::Ago),
            None => typed
                .parse()
                .map(What::Timestamp)
                .ok()
                .or_else(|| clock(typed)),
        };
        what.map(|what| Self {
            typed: typed.to_owned(),
            what,
        })
        .ok_or_else(|| {
            "expected a time such as 14:05, 14:05:30 (UTC), 2026-01-31T14:05:00Z, or -3m for three minutes before the last \
             sample"
                .to_owned()
        })
    }
}

/// Only digits and colons: jiff would drop the date of `2026-01-31T14:05:00`, which has no zone.
fn clock(typed: &str) -> Option<What> {
    let is_clock = typed.contains(':') && typed.bytes().all(|b| b == b':' || b.is_ascii_digit());
    let time = is_clock.then(|| typed.parse().ok())?;
    time.map(What::Clock)
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.typed)
    }
}

impl When {
    /// The moment that is meant in a timeline whose last sample was taken at `last`: a time of the day is the last one before.
    /// `None` where the calendar has no such moment.
    #[must_use]
    pub fn before(&self, last: Timestamp) -> Option<Timestamp> {
        match self.what {
            What::Timestamp(moment) => Some(moment),
            What::Ago(ago) => last.checked_sub(SignedDuration::try_from(ago).ok()?).ok(),
            What::Clock(clock) => {
                let today = last.to_zoned(TimeZone::UTC).date();
                let on = |date: jiff::civil::Date| {
                    let zoned = date.to_datetime(clock).to_zoned(TimeZone::UTC);
                    zoned.map(|zoned| zoned.timestamp()).ok()
                };
                let moment = on(today)?;
                if moment <= last {
                    Some(moment)
                } else {
                    on(today.yesterday().ok()?)
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn before(typed: &str, last: &str) -> String {
        let when: When = typed.parse().unwrap();
        when.before(last.parse().unwrap()).unwrap().to_string()
    }

    #[test]
    fn times_as_people_type_them() {
        let last = "2026-03-01T00:10:00Z";
        assert_eq!(before("-3m", last), "2026-03-01T00:07:00Z");
        assert_eq!(before("-90", last), "2026-03-01T00:08:30Z");
        assert_eq!(before("00:05", last), "2026-03-01T00:05:00Z");
        // That was yesterday.
        assert_eq!(before("23:59:30", last), "2026-02-28T23:59:30Z");
        assert_eq!(
            before("2026-03-01T01:00:00+01:00", last),
            "2026-03-01T00:00:00Z"
        );
        for wrong in [
            "",
            "-",
            "now",
            "25:00",
            "-0",
            "3m",
            "2026-03-01",
            "2026-03-01T00:05:00",
            "2026-03-01 00:05",
            "T00:05",
            "14",
        ] {
            assert!(wrong.parse::<When>().is_err(), "{wrong}");
        }
    }
}
