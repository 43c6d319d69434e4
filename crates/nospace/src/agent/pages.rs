use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Bytes;
use nospace_core::fleet::MorePods;
use nospace_core::growth::Growth;
use nospace_core::metrics::{self, Dialect, Exposition};
use nospace_core::report::Report;

use crate::output::{Part, json, summary};

/// What HTTP serves of an observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The report's samples, without the end of the document.
    Metrics(Dialect),
    /// The JSON document of `nospace check`.
    Report,
    /// The JSON document of `nospace check -o summary`.
    Summary,
}

impl Page {
    const ALL: [Self; 4] = [
        Self::Metrics(Dialect::Prometheus),
        Self::Metrics(Dialect::OpenMetrics),
        Self::Report,
        Self::Summary,
    ];

    fn index(self) -> usize {
        match self {
            Self::Metrics(Dialect::Prometheus) => 0,
            Self::Metrics(Dialect::OpenMetrics) => 1,
            Self::Report => 2,
            Self::Summary => 3,
        }
    }
}

/// The pages of one observation, each written once. That takes milliseconds at a thousand pods: what was asked for of the observation before
/// is written in advance, the rest when somebody asks.
#[derive(Debug, Default)]
pub struct Pages {
    written: [OnceLock<Bytes>; Page::ALL.len()],
    asked: Arc<Asked>,
    more_pods: Option<MorePods>,
    top: usize,
}

/// What was asked for since the last observation.
#[derive(Debug, Default)]
pub struct Asked([AtomicBool; Page::ALL.len()]);

impl Pages {
    /// None is written; `top` pods get metrics of their own.
    #[must_use]
    pub fn new(asked: Arc<Asked>, more_pods: Option<MorePods>, top: usize) -> Self {
        Self {
            written: Default::default(),
            asked,
            more_pods,
            top,
        }
    }

    /// Writes the pages that were asked for of the observation before.
    pub fn write(&self, report: &Report, growth: &[Growth]) {
        for page in Page::ALL {
            if self.asked.0[page.index()].swap(false, Ordering::Relaxed) {
                self.written(page, report, growth);
            }
        }
    }

    /// A page of this observation.
    #[must_use]
    pub fn get(&self, page: Page, report: &Report, growth: &[Growth]) -> Bytes {
        self.asked.0[page.index()].store(true, Ordering::Relaxed);
        self.written(page, report, growth).clone()
    }

    fn written(&self, page: Page, report: &Report, growth: &[Growth]) -> &Bytes {
        self.written[page.index()].get_or_init(|| {
            let mut text = Vec::new();
            // Writing into memory does not fail.
            let _ = match page {
                Page::Metrics(dialect) => {
                    let mut out = Exposition::new(dialect);
                    metrics::report(report, growth, self.top, &mut out);
                    return out.into_text().into();
                }
                Page::Report => json::write(report, Part::Whole, &mut text),
                Page::Summary => {
                    let summary = summary::of(report, self.more_pods, growth);
                    json::write(&summary, Part::OfStream, &mut text)
                }
            };
            text.into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::kube::fixtures::with;

    #[test]
    fn what_was_asked_for_is_written_in_advance() {
        let report = with(&[]);
        let asked = Arc::new(Asked::default());
        let next = || {
            let pages = Pages::new(Arc::clone(&asked), None, 20);
            pages.write(&report, &[]);
            pages
        };
        let written = |pages: &Pages| {
            let pages = pages.written.iter();
            pages.map(|page| page.get().is_some()).collect::<Vec<_>>()
        };
        let first = next();
        assert_eq!(written(&first), [false; 4]);
        let document = first.get(Page::Report, &report, &[]);
        assert!(document.starts_with(b"{"));
        assert_eq!(written(&first), [false, false, true, false]);
        let second = next();
        assert_eq!(written(&second), [false, false, true, false]);
        assert_eq!(written(&next()), [false; 4]);
        let samples = second.get(Page::Metrics(Dialect::OpenMetrics), &report, &[]);
        assert!(samples.starts_with(b"# "));
        assert_eq!(written(&next()), [false, true, false, false]);
    }
}
