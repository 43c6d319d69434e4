//! Numbers that the views of `watches` share.

use nospace_core::model::Provenance;
use nospace_core::report::percent;
use nospace_core::watches::WatchesReport;

use crate::ui::number;
use crate::watches::provenance;

/// `22,444`, or `~22,444` where it was counted from /proc.
pub fn figure(report: &WatchesReport, value: u64) -> String {
    number::figure(value, accuracy(report))
}

/// How far counts of watches can be trusted.
pub fn accuracy(report: &WatchesReport) -> Provenance {
    provenance(report).min(Provenance::Estimated)
}

/// `92 %` of all watches.
pub fn share(report: &WatchesReport, watches: u64) -> String {
    let share = percent(watches, report.watches.len() as u64).unwrap_or(0);
    format!("{share} %")
}
