//! Times as logs write them, as far as they can be compared with those of a node.

const DAY: i64 = 86_400;
/// Clocks without a zone are at most this far from UTC.
const ZONES: i64 = 14 * 3_600;
/// What a clock may be wrong by.
const WRONG: i64 = 300;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// When something was logged: some time between two, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// At the earliest.
    pub earliest: i64,
    /// At the latest.
    pub latest: i64,
    /// The year, where the log writes it.
    pub year: Option<i64>,
}

impl Moment {
    /// Reads a time as [`super::Frame`] has it. A log without years is of the last one in which the time is not after `now`, in seconds
    /// since 1970. `None` for a time that is no date, as the kernel's seconds since boot.
    #[must_use]
    pub fn read(text: &str, now: i64) -> Option<Self> {
        if let Some(seconds) = epoch(text) {
            return Some(Self::around(seconds, WRONG, None));
        }
        let text = match text.get(10..11) {
            Some("T") => format!("{} {}", &text[..10], &text[11..]),
            _ => text.to_owned(),
        };
        let fields: Vec<&str> = text.split_whitespace().collect();
        let (year, month, day, clock) = match fields.as_slice() {
            // Sat Nov 21 00:37:57 2026
            [_, month, day, clock, year] => (year.parse().ok(), named(month)?, *day, *clock),
            // Nov 21 00:37:57
            [month, day, clock] if named(month).is_some() => (None, named(month)?, *day, *clock),
            [date, clock, ..] => {
                let parts: Vec<&str> = date.split(['-', '/']).collect();
                match parts.as_slice() {
                    [year, month, day] => {
                        (Some(year.parse().ok()?), month.parse().ok()?, *day, *clock)
                    }
                    [month, day] => (None, month.parse().ok()?, *day, *clock),
                    _ => return None,
                }
            }
            _ => return None,
        };
        let day: i64 = day.parse().ok()?;
        let offset = offset(clock, fields.last().copied().unwrap_or_default());
        let within = seconds_of_day(clock)?;
        let at = |year| Some(days(year, month, day)? * DAY + within - offset.unwrap_or(0));
        let vague = if offset.is_some() { WRONG } else { ZONES };
        match year {
            Some(year) => Some(Self::around(at(year)?, vague, Some(year))),
            None => {
                let this = year_of(now);
                let seconds = [this + 1, this, this - 1, this - 4]
                    .into_iter()
                    .filter_map(at)
                    .find(|seconds| *seconds <= now + vague)?;
                Some(Self::around(seconds, vague, None))
            }
        }
    }

    fn around(seconds: i64, vague: i64, year: Option<i64>) -> Self {
        Self {
            earliest: seconds - vague,
            latest: seconds + vague,
            year,
        }
    }
}

/// A complete date and time, as a report has it, in seconds since 1970.
#[must_use]
pub fn seconds(text: &str) -> Option<u64> {
    let moment = Moment::read(text, 0)?;
    u64::try_from(moment.latest - WRONG).ok()
}

/// The year of a time in seconds since 1970, UTC.
#[must_use]
pub fn year_of(seconds: i64) -> i64 {
    let guess = 1970 + seconds.div_euclid(DAY * 366);
    let begins = |year: i64| days(year, 1, 1).map_or(i64::MAX, |days| days * DAY);
    let mut year = guess;
    while begins(year + 1) <= seconds {
        year += 1;
    }
    year
}

fn epoch(text: &str) -> Option<i64> {
    let (seconds, fraction) = text.split_once('.')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    // Ten digits since 2001; the kernel's seconds since boot have fewer for 300 years.
    (seconds.len() == 10 && digits(seconds) && digits(fraction)).then(|| seconds.parse().ok())?
}

fn named(month: &str) -> Option<i64> {
    let at = MONTHS.iter().position(|name| *name == month)?;
    i64::try_from(at).ok().map(|at| at + 1)
}

fn seconds_of_day(clock: &str) -> Option<i64> {
    let mut parts = clock.get(..8)?.split(':').map(str::parse::<i64>);
    let mut next = |most: i64| parts.next()?.ok().filter(|n| (0..=most).contains(n));
    Some(next(23)? * 3_600 + next(59)? * 60 + next(60)?)
}

/// Seconds east of UTC, where the time says that.
fn offset(clock: &str, last: &str) -> Option<i64> {
    let zone = clock
        .get(8..)?
        .trim_start_matches(|c: char| matches!(c, '.' | ',') || c.is_ascii_digit());
    let zone = if zone.is_empty() { last } else { zone };
    if matches!(zone, "Z" | "UTC") {
        return Some(0);
    }
    let (sign, digits) = match zone.strip_prefix('+') {
        Some(digits) => (1, digits),
        None => (-1, zone.strip_prefix('-')?),
    };
    let digits = digits.replace(':', "");
    let number = |range| {
        digits
            .get::<std::ops::Range<usize>>(range)?
            .parse::<i64>()
            .ok()
    };
    Some(sign * (number(0..2)? * 3_600 + number(2..4)? * 60))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar; `None` where there is no such day.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=longest).contains(&day) || !(1..=9_999).contains(&year) {
        return None;
    }
    // From March on, so that a leap day is a year's last (Hinnant, chrono-compatible low-level date algorithms).
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * month + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2026-11-28T12:00:00Z, by date(1).
    const NOW: i64 = 1_795_867_200;

    #[test]
    fn times_as_loggers_write_them() {
        // 2026-11-21T00:37:57Z is 1795221477.
        for (text, vague, year) in [
            ("2026-11-21T00:37:57Z", WRONG, Some(2026)),
            ("2026-11-21T00:37:57.440286123Z", WRONG, Some(2026)),
            ("2026-11-21T01:37:57.440286123+01:00", WRONG, Some(2026)),
            ("2026-11-21T00:37:57+0000", WRONG, Some(2026)),
            ("2026-11-20 19:37:57 -0500", WRONG, Some(2026)),
            ("2026-11-21 00:37:57 UTC", WRONG, Some(2026)),
            ("2026/11/21 00:37:57", ZONES, Some(2026)),
            ("Nov 21 00:37:57", ZONES, None),
            ("11-21 00:37:57.177528", ZONES, None),
            ("Sat Nov 21 00:37:57 2026", ZONES, Some(2026)),
            ("1795221477.25", WRONG, None),
        ] {
            let moment = Moment::read(text, NOW).expect(text);
            assert_eq!(moment, Moment::around(1_795_221_477, vague, year), "{text}");
        }
    }

    #[test]
    fn a_year_that_is_not_there_is_the_last_one() {
        let december = Moment::read("Dec 24 10:00:00", NOW).unwrap();
        assert!(december.latest < NOW - 300 * DAY);
        assert!(Moment::read("02-29 10:00:00.0", NOW).is_none_or(|m| m.latest < NOW));
        assert_eq!(year_of(NOW), 2026);
        assert_eq!(year_of(0), 1970);
    }

    #[test]
    fn seconds_since_boot_are_no_date() {
        for text in [
            "88412.301942",
            "",
            "yesterday",
            "2026-13-01 00:00:00",
            "Nov 31 00:00:00",
        ] {
            assert_eq!(Moment::read(text, NOW), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_may_be_a_time(text in "\\PC{0,40}") {
            let _ = Moment::read(&text, NOW);
        }

        #[test]
        fn a_date_is_in_its_year(seconds in 0_i64..20_000_000_000) {
            let year = year_of(seconds);
            prop_assert!(days(year, 1, 1).unwrap() * DAY <= seconds);
            prop_assert!(days(year + 1, 1, 1).unwrap() * DAY > seconds);
        }
    }
}
