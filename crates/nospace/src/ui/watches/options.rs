use clap::ValueEnum;
use nospace_core::watches::WatchesReport;

use crate::ui::screen::Screen;

/// Lines of a tree or a table.
const TOP: usize = 20;
/// Up to this many watches or marks are listed one per line.
pub(super) const FEW: usize = 20;

/// What watches are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// Directories, as a tree.
    Path,
    /// File systems.
    Mount,
    /// Processes.
    Holder,
    /// Not at all.
    #[value(skip)]
    Watch,
}

impl By {
    /// Few watches are listed, many grouped by path.
    #[must_use]
    pub fn default_of(report: &WatchesReport, top: Option<usize>) -> Self {
        if report.watches.len() <= FEW && top.is_none() {
            Self::Watch
        } else {
            Self::Path
        }
    }
}

/// How it is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Where it is shown.
    pub screen: Screen,
    /// What watches are grouped by.
    pub by: By,
    /// Lines of a tree or a table.
    pub top: Option<usize>,
    /// Every collector with its time.
    pub verbose: bool,
}

impl Options {
    /// Lines of a tree or a table at most.
    pub(super) fn top(&self) -> usize {
        self.top.unwrap_or(TOP)
    }
}
