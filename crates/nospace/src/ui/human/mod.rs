//! The report for people: one line to paste, then what is wrong, then who holds what, then the rest.
//!
//! It is drawn for a tired engineer on an 80x24 console: a healthy node takes about a screen, limits that are
//! not under pressure share a line, and a report longer than the screen repeats the most important lines at its
//! end, where they stay visible.

mod findings;
mod forecast;
mod gaps;
mod guards;
mod headline;
mod holders;
mod options;
mod owner;
mod resources;
mod users;

use nospace_core::model::CgroupVersion;
use nospace_core::report::{Report, Severity};

pub use findings::{details as finding_details, title as finding_title};
pub use forecast::draw as forecast;
pub use gaps::collectors;
pub use guards::lines as guard_lines;
pub use headline::{headline, not_covered, not_fully_visible, sentence, summary, word, worst};
pub use options::Options;
pub use owner::{owner, pod};

use super::{Page, style};

/// Draws `report`.
#[must_use]
pub fn draw(report: &Report, options: &Options) -> Page {
    let mut page = Page::new(options.screen.width, options.screen.charset);
    page.add(headline(report, options.screen.charset));
    node(&mut page, report);
    findings::draw(&mut page, report, options);
    users::draw(&mut page, report, options);
    guards::draw(&mut page, report);
    forecast(&mut page, report);
    holders::draw(&mut page, report, options);
    resources::draw(&mut page, report, options);
    gaps::draw(&mut page, report, options);
    if options
        .screen
        .height
        .is_some_and(|height| page.height() >= height)
    {
        repeat(&mut page, report);
    }
    page
}

fn node(page: &mut Page, report: &Report) {
    let cgroup = match report.node.cgroup_version {
        CgroupVersion::V1 => "cgroup v1",
        CgroupVersion::V2 => "cgroup v2",
        CgroupVersion::Hybrid => "cgroup v1 (hybrid)",
        CgroupVersion::Unknown => "cgroup version unknown",
    };
    let node = format!(
        "kernel {}, {cgroup}, {}",
        report.node.kernel, report.taken_at
    );
    page.wrapped(page.line(), style::DIM, &node);
}

/// Repeats the most important lines at the end of a long report.
fn repeat(page: &mut Page, report: &Report) {
    page.add(page.line());
    page.add(headline(report, page.charset));
    let worst = report
        .findings
        .iter()
        .filter(|f| f.severity > Severity::Info);
    if let Some(remedy) = worst.flat_map(|f| &f.remedies).next() {
        let line = page.indented().put(style::DIM, "do  ");
        page.add(line.put(style::COMMAND, &remedy.command));
    }
}
