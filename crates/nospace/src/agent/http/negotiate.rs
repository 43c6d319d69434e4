use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use nospace_core::metrics::Dialect;

/// OpenMetrics where the client prefers it (RFC 9110, 12.5.1), else the text format, which every scraper reads.
pub fn dialect(headers: &HeaderMap) -> Dialect {
    let open = quality(headers, "application/openmetrics-text");
    if open > 0.0 && open >= quality(headers, "text/plain") {
        Dialect::OpenMetrics
    } else {
        Dialect::Prometheus
    }
}

/// The highest q-value that `Accept` gives this media type.
fn quality(headers: &HeaderMap, media_type: &str) -> f32 {
    let values = headers.get_all(ACCEPT).iter();
    let ranges = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    ranges
        .filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next()?;
            let q = parts.find_map(|part| part.strip_prefix("q="));
            name.eq_ignore_ascii_case(media_type)
                .then(|| q.map_or(1.0, |q| q.parse().unwrap_or(0.0)))
        })
        .fold(0.0, f32::max)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn dialects_are_those_that_are_asked_for() {
        let of = |value| {
            dialect(&HeaderMap::from_iter([(
                ACCEPT,
                HeaderValue::from_static(value),
            )]))
        };
        // Prometheus 2.53 and 3.5.
        let old = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1";
        let new = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                   application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        assert_eq!(of(old), Dialect::OpenMetrics);
        assert_eq!(of(new), Dialect::OpenMetrics);
        assert_eq!(of("text/plain"), Dialect::Prometheus);
        assert_eq!(of("*/*"), Dialect::Prometheus);
        assert_eq!(of("application/openmetrics-text;q=0"), Dialect::Prometheus);
        assert_eq!(dialect(&HeaderMap::new()), Dialect::Prometheus);
    }
}
