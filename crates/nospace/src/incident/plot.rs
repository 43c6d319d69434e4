use std::fmt::Write as _;

use super::frame::Frame;
use super::{Kind, Series};

/// The size of a plot in its own units; it is stretched to the page's width.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 100.0;
const TICK: f64 = 14.0;
/// Below this share of a limit, in percent, a budget is plotted up to its own peak.
const WITH_LIMIT: u64 = 40;

/// The plot of a budget as SVG: numbers and our own markup, nothing of the node.
pub struct Plot {
    /// The element.
    pub svg: String,
    /// What its upper edge is.
    pub top: u64,
}

/// Plots `series` with its limit; no line leads across a gap. Refused calls are ticks at the lower edge, events lines.
#[expect(clippy::cast_precision_loss, reason = "pixels")]
pub fn budget(series: &Series, frame: &Frame<'_>) -> Plot {
    let highest = series.points.iter().map(|p| p.used).max().unwrap_or(0);
    let limits = series.points.iter().filter_map(|p| p.limit);
    let is_near = |limit: &u64| highest.saturating_mul(100) / WITH_LIMIT >= *limit;
    let limit = limits.filter(is_near).max();
    let top = highest.max(limit.unwrap_or(0)).max(1);
    let x = |at: f64| at / frame.seconds.max(1e-9) * WIDTH;
    let y = |value: u64| HEIGHT - value.min(top) as f64 / (top as f64 * 1.04) * HEIGHT;
    let mut svg =
        format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=none aria-hidden=true>");
    for (from, to) in frame.gaps {
        let (from, to) = (x(*from), x(*to));
        let _ = write!(
            svg,
            "<path class=gap d=\"M{from:.1} 0H{to:.1}V{HEIGHT}H{from:.1}Z\"/>"
        );
    }
    let marked = frame.events.iter();
    for event in marked.filter(|event| event.kind != Kind::Refused && event.at > 0.0) {
        let at = x(event.at);
        let class = event.kind.class();
        let _ = write!(
            svg,
            "<path class=\"mark {class}\" d=\"M{at:.1} 0V{HEIGHT}\"/>"
        );
    }
    let mut points = series.points.as_slice();
    while let Some(first) = points.first() {
        let gap = frame.gaps.iter().map(|gap| gap.1);
        let end = gap
            .filter(|end| *end > first.at)
            .fold(f64::INFINITY, f64::min);
        let (part, rest) = points.split_at(points.partition_point(|point| point.at < end));
        points = rest;
        let values: Vec<_> = part.iter().map(|p| (x(p.at), y(p.used))).collect();
        area(&values, &mut svg);
        if limit.is_some() {
            // One that was raised out of sight ends there.
            let limits = part.iter().filter_map(|p| Some((x(p.at), p.limit?)));
            let limits = limits.filter(|(_, limit)| *limit <= top);
            let limits = limits.map(|(at, limit)| (at, y(limit)));
            let _ = write!(
                svg,
                "<path class=limit d=\"{}\"/>",
                path(&limits.collect::<Vec<_>>())
            );
        }
    }
    for at in &series.refused {
        let _ = write!(
            svg,
            "<path class=tick d=\"M{:.1} {HEIGHT}v-{TICK}\"/>",
            x(*at)
        );
    }
    svg.push_str("</svg>");
    Plot { svg, top }
}

/// A line and what is below it. What was seen once is a short line.
fn area(values: &[(f64, f64)], svg: &mut String) {
    let (Some((first, y)), Some((last, _))) = (values.first(), values.last()) else {
        return;
    };
    let line = match values {
        [_] => format!("M{first:.1} {y:.1}h2"),
        _ => path(values),
    };
    let _ = write!(
        svg,
        "<path class=area d=\"{line}L{last:.1} {HEIGHT}L{first:.1} {HEIGHT}Z\"/><path class=line d=\"{line}\"/>"
    );
}

/// A small plot of a holder, from 0 to its highest value.
#[expect(clippy::cast_precision_loss, reason = "pixels")]
pub fn spark(points: &[(f64, u64)], seconds: f64) -> String {
    let top = points.iter().map(|p| p.1).max().unwrap_or(0).max(1) as f64;
    let place = |&(at, value): &(f64, u64)| {
        (
            at / seconds.max(1e-9) * WIDTH,
            HEIGHT * 0.95 - value as f64 / top * HEIGHT * 0.9,
        )
    };
    let values: Vec<_> = points.iter().map(place).collect();
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=none aria-hidden=true><path class=line d=\"{}\"/></svg>",
        path(&values)
    )
}

fn path(values: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for (number, (x, y)) in values.iter().enumerate() {
        let _ = write!(path, "{}{x:.1} {y:.1}", if number == 0 { 'M' } else { 'L' });
    }
    path
}
