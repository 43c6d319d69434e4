//! Durations as people write them.

use std::time::Duration;

/// Parses seconds (`30`, `0.5`) or a number with its unit (`30s`, `5m`, `1h 30m`).
///
/// # Errors
///
/// The text is neither, or the duration is zero or negative.
pub fn parse(text: &str) -> Result<Duration, String> {
    let span = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => text
            .parse::<jiff::SignedDuration>()
            .ok()
            .and_then(|span| Duration::try_from(span).ok()),
    };
    span.filter(|span| !span.is_zero())
        .ok_or_else(|| "give a time such as 30, 30s or 5m".to_owned())
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
