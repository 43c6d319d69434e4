//! What is watched, for people: a headline with the directories that use most, then a tree, a table, or every watch.

mod groups;
mod list;
mod marks;
mod options;
mod tree;
mod words;

pub use options::{By, Options};

use nospace_core::amount::thousands;
use nospace_core::report::percent;
use nospace_core::watches::{PathState, WatchesReport};

use self::options::FEW;
use self::words::accuracy;
use super::{Page, human, number, style};

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
        By::Watch => list::draw(&mut page, report, options),
    }
    let asked = report.holders.iter().any(|one| one.cmdline.is_some());
    if asked && matches!(options.by, By::Path | By::Mount) {
        groups::holders(&mut page, report, options);
    }
    let each = options.by == By::Watch || report.marks.len() <= FEW;
    marks::draw(&mut page, report, options, each);
    human::collectors(&mut page, &report.collectors, options.verbose);
    page
}

fn headline(page: &mut Page, report: &WatchesReport) {
    let all = report.watches.len() as u64;
    if report.holders.is_empty() {
        let mut runs = report.collectors.iter();
        let some_unseen = runs.any(|run| run.partial || run.blind || run.error.is_some());
        let words = if some_unseen {
            "no inotify instances found among the processes that could be inspected"
        } else {
            "no inotify instances in use"
        };
        page.wrapped(page.line(), style::BOLD, words);
        return;
    }
    let mut said = format!(
        "{} in {} of {}",
        number::quantity(all, accuracy(report), "watch", "watches"),
        number::count(report.instances.len() as u64, "instance", "instances"),
        number::count(report.holders.len() as u64, "process", "processes")
    );
    for (state, words) in [
        (PathState::Deleted, "deleted"),
        (PathState::Unreachable, "unreachable"),
        (PathState::Unnamed, "with unknown path"),
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
