//! `/`: this node's report for people, as one page that needs nothing from anywhere else.

mod budgets;
mod findings;
mod holders;
mod html;

use std::time::Duration;

use jiff::Timestamp;
use nospace_core::metrics::AgentFigures;
use nospace_core::report::Status;

use super::Seen;
use crate::ui::{Charset, human};
use html::Html;

/// Browsers may load nothing at all; the style is in the page.
pub const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A page is not loaded anew more often.
const CALM: Duration = Duration::from_secs(5);

/// Draws the page of a look; `figures` is what was counted besides.
pub fn draw(seen: &Seen, figures: &AgentFigures, interval: Duration) -> Vec<u8> {
    let mut html = Html::default();
    let report = &seen.report;
    head(&mut html, seen, interval);
    budgets::draw(&mut html, seen);
    findings::grave(&mut html, report);
    html.raw("<div class=two>");
    budgets::start(&mut html, report);
    budgets::growth(&mut html, seen);
    holders::refusals(&mut html, figures);
    html.raw("</div>");
    holders::pods(&mut html, report);
    holders::processes(&mut html, report);
    findings::light(&mut html, report);
    budgets::others(&mut html, report);
    holders::collectors(&mut html, report);
    foot(&mut html, seen, interval);
    html.into_bytes()
}

fn head(html: &mut Html, seen: &Seen, interval: Duration) {
    let report = &seen.report;
    let status = report.status();
    html.raw("<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width,initial-scale=1\">")
        .raw("<meta http-equiv=refresh content=")
        .show(interval.max(CALM).as_secs())
        .raw("><title>")
        .text(human::word(status))
        .raw(" ")
        .text(&report.node.name)
        .raw(" · nospace</title><style>")
        .raw(include_str!("style.css"))
        .raw("</style><main><header class=")
        .raw(class(status))
        .raw("><h1>")
        .text(&report.node.name)
        .raw("</h1><span class=pill>")
        .text(human::word(status))
        .raw("</span><p class=say>")
        .text(&human::sentence(report, Charset::Unicode))
        .raw("</p><p class=meta>Linux ")
        .text(&report.node.kernel)
        .raw(" · cgroup ")
        .text(report.node.cgroup_version.name())
        .raw(" · looked at ")
        .text(&report.taken_at)
        .raw("</p></header>");
}

fn class(status: Status) -> &'static str {
    match status {
        Status::Ok => "ok",
        Status::Warning => "warning",
        Status::Critical => "critical",
        Status::Unknown => "unknown",
    }
}

fn foot(html: &mut Html, seen: &Seen, interval: Duration) {
    html.raw("<footer>nospace ")
        .text(env!("CARGO_PKG_VERSION"))
        .raw(" · look ")
        .show(seen.number)
        .raw(", one every ")
        .text(&format!("{interval:?}"))
        .raw(", took ")
        .text(&format!("{:.0}", seen.took.as_secs_f64() * 1e3))
        .raw(" ms · this page was made at ")
        .text(&now())
        .raw(" · <a href=/metrics>metrics</a> · <a href=/api/v1/report>JSON</a></footer></main>");
}

fn now() -> String {
    let now = Timestamp::now();
    now.round(jiff::Unit::Second).unwrap_or(now).to_string()
}

/// At most so many rows of a table.
const ROWS: usize = 12;

/// Says how many rows there are beside those.
fn more(html: &mut Html, all: usize) {
    if let Some(more @ 1..) = all.checked_sub(ROWS) {
        html.raw("<p class=\"dim why\">and ")
            .show(more)
            .raw(" more</p>");
    }
}

#[cfg(test)]
mod tests;
