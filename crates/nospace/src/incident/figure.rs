//! What a page shows over time: plots, and what happened when.

use nospace_core::amount::{bytes, count, duration, thousands};

use super::frame::Frame;
use super::plot::{self, Plot};
use super::{Event, Point, Series};
use crate::ui::html::Html;
use crate::ui::number;

/// The style of plots and of the list of events.
pub const STYLE: &str = include_str!("figure.css");

/// What happened, as a table.
pub fn events(html: &mut Html, events: &[Event]) {
    html.raw("<table class=events>");
    for event in events {
        html.raw("<tr><td class=t>")
            .text(&event.when.strftime("%H:%M:%S").to_string())
            .raw("</td><td><i class=\"dot ")
            .raw(event.kind.class())
            .raw("\"></i>")
            .text(&event.text)
            .raw("</td></tr>");
    }
    html.raw("</table>");
}

/// Plots budgets side by side.
pub fn plots(html: &mut Html, budgets: &[Series], frame: &Frame<'_>) {
    html.raw("<div class=plots>");
    for series in budgets {
        budget(html, series, frame);
    }
    html.raw("</div>");
}

fn budget(html: &mut Html, series: &Series, frame: &Frame<'_>) {
    let Some(last) = series.points.last() else {
        return;
    };
    html.raw("<figure class=")
        .raw(match series.peak().map(|(percent, _)| percent) {
            Some(95..) => "critical",
            Some(80..) => "warning",
            _ => "ok",
        })
        .raw("><figcaption><b>")
        .text(&series.name)
        .raw("</b> ")
        .text(&level(series, last))
        .raw("<span class=dim>")
        .text(&left(series, last, frame))
        .text(&peak(series, frame))
        .raw("</span></figcaption>");
    if series.points.len() > 1 {
        let Plot { svg, top } = plot::budget(series, frame);
        html.raw("<div class=plot role=img aria-label=\"")
            .text(&words(series, last, frame))
            .raw("\"><span class=top>")
            .text(&amount(top, &series.unit))
            .raw("</span>")
            .made(&svg)
            .raw("</div>");
        if let (Some(first), Some(end)) = (frame.at(0.0), frame.at(frame.seconds)) {
            html.raw("<div class=axis><span>")
                .text(&first)
                .raw("</span><span>")
                .text(&end)
                .raw(" UTC</span></div>");
        }
    }
    html.raw("</figure>");
}

/// The plot for who cannot see it.
fn words(series: &Series, last: &Point, frame: &Frame<'_>) -> String {
    let mut words = format!("Plot of {}", series.name);
    if let (Some(first), Some(end)) = (frame.at(0.0), frame.at(frame.seconds)) {
        words += &format!(" from {first} to {end} UTC");
    }
    words += &format!(": {}", level(series, last));
    words += &left(series, last, frame);
    words += &peak(series, frame);
    if !series.refused.is_empty() {
        let steps = count(series.refused.len() as u64, "point", "points");
        words += &format!(", calls refused at {steps}");
    }
    for (from, to) in frame.gaps {
        if let (Some(begin), Some(end)) = (frame.at(*from), frame.at(*to)) {
            words += &format!(", nothing known from {begin} to {end}");
        }
    }
    words
}

fn left(series: &Series, last: &Point, frame: &Frame<'_>) -> String {
    let is_gone = last.at < frame.seconds && !series.points.is_empty();
    match frame.at(last.at).filter(|_| is_gone) {
        Some(when) => format!(" at {when}, not seen since"),
        None => String::new(),
    }
}

fn peak(series: &Series, frame: &Frame<'_>) -> String {
    let peak = series
        .peak()
        .filter(|(percent, _)| *percent > 0 && series.points.len() > 1);
    match peak {
        Some((percent, point)) => match frame.at(point.at) {
            Some(when) => format!(" · peak {percent} % at {when}"),
            None => format!(" · peak {percent} %"),
        },
        None => String::new(),
    }
}

/// `5 min`.
#[must_use]
pub fn long(seconds: f64) -> String {
    let whole = std::time::Duration::try_from_secs_f64(seconds.round());
    duration(whole.unwrap_or_default())
}

fn amount(value: u64, unit: &str) -> String {
    match unit {
        "bytes" => bytes(value),
        _ => thousands(value),
    }
}

fn level(series: &Series, point: &Point) -> String {
    let unit = if series.unit == "bytes" { "bytes" } else { "" };
    match point.limit {
        Some(limit) => number::amounts(point.used, limit, unit, point.provenance)
            .trim_end()
            .to_owned(),
        None => number::figure(point.used, point.provenance),
    }
}
