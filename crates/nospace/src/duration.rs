//! Durations as people type them; [`nospace_core::amount::duration`] prints them.

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
}
