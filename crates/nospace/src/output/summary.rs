//! A summary of at most 4 kB, on one line: what the agent serves for `nospace cluster`.

use nospace_core::fleet::{Facts, MorePods, Summary};
use nospace_core::growth::Growth;
use nospace_core::report::Report;

use super::{Format, Part, Write, json};
use crate::ui::{Charset, human};

pub(super) const FORMAT: Format = Format {
    name: "summary",
    help: "JSON of at most 4 kB, as nospace cluster collects it",
    write: Write::Check(|check, out| {
        let summary = of(check.report, check.more_pods, &[]);
        json::write(&summary, Part::OfStream, out)
    }),
};

/// `report` in short.
#[must_use]
pub fn of(report: &Report, more_pods: Option<MorePods>, growth: &[Growth]) -> Summary {
    let facts = Facts {
        headline: &human::sentence(report, Charset::Unicode),
        version: env!("CARGO_PKG_VERSION"),
        more_pods,
        growth,
    };
    Summary::of(report, &facts)
}
