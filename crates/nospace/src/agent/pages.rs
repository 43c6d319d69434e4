use axum::body::Bytes;
use nospace_core::fleet::MorePods;
use nospace_core::growth::Growth;
use nospace_core::metrics::{self, Dialect, Exposition};
use nospace_core::report::Report;

use crate::output::{Part, json, summary};

/// What HTTP serves of one observation, as text. The collect loop writes it, since that takes milliseconds at a thousand pods.
#[derive(Debug, Default)]
pub struct Pages {
    prometheus: Bytes,
    open_metrics: Bytes,
    report: Bytes,
    summary: Bytes,
}

impl Pages {
    /// Writes the pages; `top` pods get metrics of their own.
    #[must_use]
    pub fn new(
        report: &Report,
        growth: &[Growth],
        more_pods: Option<MorePods>,
        top: usize,
    ) -> Self {
        let metrics = |dialect| {
            let mut out = Exposition::new(dialect);
            metrics::report(report, growth, top, &mut out);
            out.into_text().into()
        };
        let mut document = Vec::new();
        // Writing into memory does not fail.
        let _ = json::write(report, Part::Whole, &mut document);
        let mut short = Vec::new();
        let _ = json::write(
            &summary::of(report, more_pods, growth),
            Part::OfStream,
            &mut short,
        );
        Self {
            prometheus: metrics(Dialect::Prometheus),
            open_metrics: metrics(Dialect::OpenMetrics),
            report: document.into(),
            summary: short.into(),
        }
    }

    /// The report's samples, without the end of the document.
    #[must_use]
    pub fn metrics(&self, dialect: Dialect) -> Bytes {
        match dialect {
            Dialect::Prometheus => self.prometheus.clone(),
            Dialect::OpenMetrics => self.open_metrics.clone(),
        }
    }

    /// The JSON document of `nospace check`.
    #[must_use]
    pub fn report(&self) -> Bytes {
        self.report.clone()
    }

    /// The JSON document of `nospace check -o summary`.
    #[must_use]
    pub fn summary(&self) -> Bytes {
        self.summary.clone()
    }
}
