//! Durations as people type and read them.

use std::time::Duration;

/// `30` (seconds), `0.5`, `30s`, `5m`, `1h 30m`; longer than nothing.
///
/// # Errors
///
/// A message with examples, where `text` is not a duration.
pub fn parse(text: &str) -> Result<Duration, String> {
    let duration = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => text
            .parse::<jiff::SignedDuration>()
            .ok()
            .and_then(|duration| Duration::try_from(duration).ok()),
    };
    duration
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| "expected a duration such as 30, 30s or 5m".to_owned())
}

/// `0.3 s`, `12 s`, `4 min 51 s`, `2 h 1 min`: the two largest units, rounded down.
#[must_use]
pub fn text(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0..10) if duration.subsec_millis() >= 100 => {
            format!("{:.1} s", duration.as_secs_f64())
        }
        (0, 0, 0) if !duration.is_zero() => "less than 0.1 s".to_owned(),
        (0, 0, s) => format!("{s} s"),
        (0, m, 0) => format!("{m} min"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, 0, _) => format!("{h} h"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_with_and_without_units() {
        assert_eq!(parse("30"), Ok(Duration::from_secs(30)));
        assert_eq!(parse("0.5"), Ok(Duration::from_millis(500)));
        assert_eq!(parse("2m"), Ok(Duration::from_secs(120)));
        for wrong in ["0", "-1", "soon", "", "nan", "1e300"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn texts_are_short() {
        let cases = [
            (0, "0 s"),
            (4, "less than 0.1 s"),
            (300, "0.3 s"),
            (2_000, "2 s"),
            (9_999, "10.0 s"),
            (12_000, "12 s"),
            (300_000, "5 min"),
            (299_000, "4 min 59 s"),
            (7_200_000, "2 h"),
            (7_260_000, "2 h 1 min"),
        ];
        for (milliseconds, shown) in cases {
            assert_eq!(text(Duration::from_millis(milliseconds)), shown);
        }
    }
}
