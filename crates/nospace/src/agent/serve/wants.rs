use hyper::HeaderMap;
use hyper::header::{ACCEPT, ACCEPT_ENCODING, HeaderName};
use nospace_core::metrics::Dialect;

use crate::agent::Packing;

/// The best that the asker takes; zstd before gzip at the same weight.
pub fn packing(headers: &HeaderMap) -> Packing {
    let weight = |name| best(headers, &ACCEPT_ENCODING, |offer| offer == name);
    match (weight("zstd"), weight("gzip")) {
        (zstd, gzip) if zstd > 0.0 && zstd >= gzip => Packing::Zstd,
        (_, gzip) if gzip > 0.0 => Packing::Gzip,
        _ => Packing::Plain,
    }
}

/// OpenMetrics if the asker prefers it, else what everybody reads.
pub fn dialect(headers: &HeaderMap) -> Dialect {
    let open = best(headers, &ACCEPT, |offer| {
        offer == "application/openmetrics-text"
    });
    let old = best(headers, &ACCEPT, |offer| offer == "text/plain");
    if open > 0.0 && open >= old {
        Dialect::OpenMetrics
    } else {
        Dialect::Prometheus
    }
}

/// The highest weight among the offers that fit.
fn best(headers: &HeaderMap, header: &HeaderName, fits: impl Fn(&str) -> bool) -> f32 {
    let values = headers.get_all(header).iter();
    let offers = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    offers
        .filter_map(|offer| {
            let (name, parameters) = offer.split_once(';').unwrap_or((offer, ""));
            fits(name.trim().to_ascii_lowercase().as_str()).then(|| weight(parameters))
        })
        .fold(0.0, f32::max)
}

fn weight(parameters: &str) -> f32 {
    let mut parameters = parameters.split(';');
    let q = parameters.find_map(|p| p.trim().strip_prefix("q="));
    q.map_or(1.0, |q| q.parse().unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(header: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header, hyper::header::HeaderValue::from_static(value))])
    }

    #[test]
    fn dialects_are_those_that_are_asked_for() {
        let of = |value| dialect(&headers(ACCEPT, value));
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

    #[test]
    fn packing_is_what_the_asker_can_unpack() {
        let of = |value| packing(&headers(ACCEPT_ENCODING, value));
        assert_eq!(of("gzip"), Packing::Gzip);
        assert_eq!(of("gzip, deflate, br, zstd"), Packing::Zstd);
        assert_eq!(of("zstd;q=0.1, GZIP"), Packing::Gzip);
        assert_eq!(of("gzip;q=0"), Packing::Plain);
        assert_eq!(of("identity"), Packing::Plain);
        assert_eq!(of("gzip;q=nonsense"), Packing::Plain);
    }
}
