use nospace_core::model::InotifyResource;
use nospace_core::report::Report;

use crate::ui::screen::Screen;

/// Holders of each kind listed on a node under pressure.
const TOP: usize = 10;
/// The same on a healthy node.
const TOP_WHEN_OK: usize = 3;

/// How the report is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Where it is shown.
    pub screen: Screen,
    /// Holders of each kind; by default ten, on a healthy node three.
    pub top: Option<usize>,
    /// What holders are sorted by; the report is sorted already, this only says so.
    pub order: InotifyResource,
    /// Everything: all resources, collectors, evidence.
    pub verbose: bool,
}

impl Options {
    /// Holders of each kind to list at most.
    pub(super) fn top(&self, report: &Report) -> usize {
        let default = if report.status().is_well() {
            TOP_WHEN_OK
        } else {
            TOP
        };
        self.top
            .unwrap_or(if self.verbose { usize::MAX } else { default })
    }
}
