//! `/`: this node's report for people, as one page that needs nothing from anywhere else.

mod budgets;
mod guard;
mod history;
mod holders;

use std::time::Duration;

use jiff::Timestamp;
use nospace_core::history::HistoryDocument;
use nospace_core::metrics::AgentMetrics;

use super::observation::Observation;
use crate::incident::figure;
use crate::ui::html::{Html, STYLE, findings, header};
use crate::ui::human;

/// Browsers may load nothing at all; the style is in the page.
pub const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A page is not loaded anew more often.
const MIN_REFRESH: Duration = Duration::from_secs(5);

/// Draws the page of an observation; `metrics` are those of the agent itself, `past` is what it remembers.
pub fn draw(
    observation: &Observation,
    metrics: &AgentMetrics,
    interval: Duration,
    past: Option<&HistoryDocument>,
) -> Vec<u8> {
    let mut html = Html::default();
    let report = &observation.report;
    head(&mut html, observation, interval);
    findings::problems(&mut html, report);
    budgets::draw(&mut html, report);
    if let Some(past) = past {
        history::draw(&mut html, past, report);
    }
    html.raw("<div class=two>");
    budgets::start(&mut html, report);
    budgets::growth(&mut html, observation);
    holders::refusals(&mut html, metrics);
    guard::draw(&mut html, observation, metrics);
    html.raw("</div>");
    holders::pods(&mut html, report);
    holders::processes(&mut html, report);
    findings::information(&mut html, report);
    holders::collectors(&mut html, report);
    foot(&mut html, observation, interval);
    html.into_bytes()
}

fn head(html: &mut Html, observation: &Observation, interval: Duration) {
    let report = &observation.report;
    let status = report.status();
    html.raw("<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width,initial-scale=1\">")
        .raw("<meta http-equiv=refresh content=")
        .show(interval.max(MIN_REFRESH).as_secs())
        .raw("><title>")
        .text(human::word(status))
        .raw(" ")
        .text(&report.node.name)
        .raw(" · nospace</title><style>")
        .raw(STYLE)
        .raw(figure::STYLE)
        .raw("</style>");
    header(html, report, &format!("collected at {}", report.taken_at));
}

fn foot(html: &mut Html, observation: &Observation, interval: Duration) {
    html.raw("<footer>nospace ")
        .text(env!("CARGO_PKG_VERSION"))
        .raw(" · collection ")
        .show(observation.number)
        .raw(", every ")
        .text(&format!("{interval:?}"))
        .raw(", duration ")
        .text(&format!("{:.0}", observation.duration.as_secs_f64() * 1e3))
        .raw(" ms · page rendered at ")
        .text(&now())
        .raw(" · <a href=/metrics>metrics</a> · <a href=/api/v1/report>JSON</a> · <a href=/api/v1/history>history</a></footer></main>");
}

fn now() -> String {
    let now = Timestamp::now();
    now.round(jiff::Unit::Second).unwrap_or(now).to_string()
}

#[cfg(test)]
mod tests;
