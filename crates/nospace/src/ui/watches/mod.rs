//! What is watched, for people: a headline with the directories that use most, then a tree, a table, or every watch.

mod groups;
mod list;
mod tree;

use nospace_core::amount::thousands;
use nospace_core::model::Provenance;
use nospace_core::report::percent;
use nospace_core::watches::{State, WatchesReport};

use super::screen::Screen;
use super::{Page, human, number, style};
use crate::watches::provenance;

/// Lines of a tree or a table.
const TOP: usize = 20;
/// So many watches are shown a line each.
const FEW: usize = 20;

/// What watches are added up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Directories.
    Path,
    /// File systems.
    Mount,
    /// Processes.
    Holder,
    /// Not at all.
    Watch,
}

impl By {
    /// Few watches are listed, many added up by path.
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
    /// What watches are added up by.
    pub by: By,
    /// Lines of a tree or a table.
    pub top: Option<usize>,
    /// Every collector with its time.
    pub verbose: bool,
}

impl Options {
    fn top(&self) -> usize {
        self.top.unwrap_or(TOP)
    }
}

/// Draws `report`.
#[must_use]
pub fn draw(report: &WatchesReport, options: &Options) -> Page {
    let mut page = Page::new(options.screen.width, options.screen.charset);
    headline(&mut page, report);
    match options.by {
        _ if report.watches.is_empty() => {}
        By::Path => tree::draw(&mut page, report, options),
        By::Mount => groups::mounts(&mut page, report, options),
        By::Holder => groups::holders(&mut page, report, options),
        By::Watch => list::draw(&mut page, report),
    }
    human::collectors(&mut page, &report.collectors, options.verbose);
    page
}

fn headline(page: &mut Page, report: &WatchesReport) {
    let all = report.watches.len() as u64;
    if report.holders.is_empty() {
        page.add(page.line().put(style::BOLD, "no inotify instances in use"));
        return;
    }
    let mut said = format!(
        "{} in {} of {}",
        number::quantity(all, accuracy(report), "watch", "watches"),
        number::count(report.instances.len() as u64, "instance", "instances"),
        number::count(report.holders.len() as u64, "process", "processes")
    );
    for (state, words) in [
        (State::Deleted, "deleted"),
        (State::Unreachable, "unreachable"),
        (State::Unnamed, "with unknown path"),
    ] {
        let n = report.watches.iter().filter(|w| w.state == state).count();
        if n > 0 {
            said.push_str(&format!(", {} {words}", thousands(n as u64)));
        }
    }
    page.wrapped(page.line(), style::BOLD, &said);
    let held: u64 = report.heaviest.iter().map(|one| one.watches).sum();
    if report.heaviest.is_empty() || all == 0 {
        return;
    }
    let share = percent(held, all).unwrap_or(100);
    page.wrapped(
        page.line(),
        style::PLAIN,
        &format!("{share} % are in or under"),
    );
    for one in &report.heaviest {
        let line = page.indented().put(style::CULPRIT, &one.path);
        page.add(line.plain(&format!("  {}", thousands(one.watches))));
        if let Some(path) = &one.container_path {
            let line = page.indented().put(style::DIM, "in the container ");
            page.add(line.plain(path));
        }
    }
}

fn figure(report: &WatchesReport, value: u64) -> String {
    number::figure(value, accuracy(report))
}

fn accuracy(report: &WatchesReport) -> Provenance {
    provenance(report).min(Provenance::Estimated)
}

fn share(report: &WatchesReport, watches: u64) -> String {
    let share = percent(watches, report.watches.len() as u64).unwrap_or(0);
    format!("{share} %")
}
