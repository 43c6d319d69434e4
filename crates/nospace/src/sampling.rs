//! Collecting again and again, with the eBPF programs kept loaded: what `agent` and `top` share.
//!
//! ```text
//! Live ─ collect ─▶ Snapshot ─▶ View ─▶ History ─▶ Growth ─▶ Report
//! ```

use std::time::{Duration, Instant};

use nospace_core::attribute::View;
use nospace_core::growth::{self, Growth, History};
use nospace_core::model::Snapshot;
use nospace_core::report::Report;

use crate::host::live::Live;

/// Collects from one host, and knows how budgets have grown since it began.
pub struct Sampler {
    host: Live,
    started: Instant,
    history: History,
    spacing: Duration,
    remembered_at: Option<Instant>,
    growth: Vec<Growth>,
}

/// One collection, concluded.
#[derive(Clone, Debug)]
pub struct Sampled {
    /// The report, with findings of rule `growth`.
    pub report: Report,
    /// How fast each budget grows; empty until there were enough collections.
    pub growth: Vec<Growth>,
}

impl Sampler {
    /// Of `host`. Growth is measured between collections that are at least `spacing` apart: what grows for a second is no trend.
    #[must_use]
    pub fn new(host: Live, spacing: Duration) -> Self {
        Self {
            host,
            started: Instant::now(),
            history: History::default(),
            spacing,
            remembered_at: None,
            growth: Vec::new(),
        }
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &Live {
        &self.host
    }

    /// Collects now. `collect` makes the snapshot, and `each` gets the host and the view before the report is made of it.
    pub fn sample(
        &mut self,
        collect: impl FnOnce(&Live) -> Snapshot,
        each: impl FnOnce(&Live, &View<'_>),
    ) -> Sampled {
        let now = Instant::now();
        let seconds = now.duration_since(self.started).as_secs_f64();
        self.host.renew();
        let snapshot = collect(&self.host);
        let view = nospace_core::view(&snapshot);
        let due = |at: Instant| now.duration_since(at) >= self.spacing;
        if self.remembered_at.is_none_or(due) {
            self.growth = self.history.add(&view, seconds);
            self.remembered_at = Some(now);
        }
        let findings = growth::findings(&view, &self.history, &self.growth, seconds);
        each(&self.host, &view);
        Sampled {
            report: nospace_core::conclude_with(view, findings),
            growth: self.growth.clone(),
        }
    }
}
