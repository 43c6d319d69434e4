use nospace_core::amount::thousands;
use nospace_core::explain::Explanation;
use nospace_core::model::Provenance;
use nospace_core::report::Report;

use super::plot::{self, Plot};
use super::words::{not_seen, period, range};
use super::{Incident, Point, Series};
use crate::ui::html::{Html, STYLE, findings, header};
use crate::ui::{human, number};

/// Draws the report as one page: no script, and nothing from anywhere else.
#[must_use]
pub fn html(incident: &Incident) -> Vec<u8> {
    let mut html = Html::default();
    let report = &incident.report;
    head(&mut html, incident);
    happened(&mut html, incident);
    findings::problems(&mut html, report);
    if let Some(logs) = &incident.logs {
        said(&mut html, logs);
    }
    holders(&mut html, incident);
    unseen(&mut html, incident);
    findings::information(&mut html, report);
    made(&mut html, incident);
    html.raw("</main></html>");
    html.into_bytes()
}

fn head(html: &mut Html, incident: &Incident) {
    let report = &incident.report;
    let status = report.status();
    html.raw("<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width,initial-scale=1\">")
        .raw("<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\"><title>")
        .text(human::word(status))
        .raw(" ")
        .text(&report.node.name)
        .raw(" ")
        .text(&report.taken_at)
        .raw(" · nospace report</title><style>")
        .raw(STYLE)
        .raw(include_str!("style.css"))
        .raw("</style>");
    header(html, report, &period(incident));
}

fn seconds(incident: &Incident) -> f64 {
    let points = incident.budgets.iter().flat_map(|series| &series.points);
    points.map(|point| point.at).fold(0.0, f64::max)
}

fn happened(html: &mut Html, incident: &Incident) {
    let seconds = seconds(incident);
    html.raw("<section><h2>What happened</h2>");
    if incident.samples.len() > 1 {
        html.raw("<table class=events>");
        for event in &incident.events {
            html.raw("<tr><td class=t>")
                .text(&event.when.strftime("%H:%M:%S").to_string())
                .raw("</td><td><i class=\"dot ")
                .raw(event.kind.class())
                .raw("\"></i>")
                .text(&event.text)
                .raw("</td></tr>");
        }
        html.raw("</table>");
        if incident.events_omitted > 0 {
            html.raw("<p class=why>")
                .show(incident.events_omitted)
                .raw(" more events are left out.</p>");
        }
    } else {
        html.raw("<p class=why>A single sample: what happened before is not known. nospace record --every 5s records a timeline.</p>");
    }
    html.raw("<div class=plots>");
    for series in &incident.budgets {
        budget(html, series, seconds, incident);
    }
    html.raw("</div></section>");
}

fn budget(html: &mut Html, series: &Series, seconds: f64, incident: &Incident) {
    let Some(last) = series.points.last() else {
        return;
    };
    let peak = series.peak().map(|(percent, _)| percent);
    html.raw("<figure class=")
        .raw(match peak {
            Some(95..) => "critical",
            Some(80..) => "warning",
            _ => "ok",
        })
        .raw("><figcaption><b>")
        .text(&series.name)
        .raw("</b> ")
        .text(&level(series, last));
    if last.at < seconds
        && let Some(when) = at(incident, last.at)
    {
        html.raw("<span class=dim> at ")
            .text(&when)
            .raw(", not seen since</span>");
    }
    if let Some((percent, point)) = series
        .peak()
        .filter(|(percent, _)| *percent > 0 && series.points.len() > 1)
    {
        html.raw("<span class=dim> · peak ").show(percent).raw(" %");
        if let Some(when) = at(incident, point.at) {
            html.raw(" at ").text(&when);
        }
        html.raw("</span>");
    }
    html.raw("</figcaption>");
    if series.points.len() > 1 {
        let Plot { svg, top } = plot::budget(series, seconds, &incident.events);
        html.raw("<div class=plot><span class=top>")
            .text(&amount(top, &series.unit))
            .raw("</span>")
            .made(&svg)
            .raw("</div>");
        if let (Some(first), Some(end)) = (incident.samples.first(), incident.samples.last()) {
            html.raw("<div class=axis><span>")
                .text(&first.strftime("%H:%M:%S").to_string())
                .raw("</span><span>")
                .text(&end.strftime("%H:%M:%S").to_string())
                .raw(" UTC</span></div>");
        }
    }
    html.raw("</figure>");
}

/// The time of a sample by its seconds since the first.
fn at(incident: &Incident, seconds: f64) -> Option<String> {
    let first = incident.samples.first()?;
    #[expect(clippy::cast_possible_truncation, reason = "days at most")]
    let moment = first
        .checked_add(jiff::SignedDuration::from_secs(seconds.round() as i64))
        .ok()?;
    Some(moment.strftime("%H:%M:%S").to_string())
}

fn amount(value: u64, unit: &str) -> String {
    match unit {
        "bytes" => nospace_core::amount::bytes(value),
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

fn said(html: &mut Html, logs: &Explanation) {
    html.raw("<section><h2>What the logs say</h2>");
    if logs.causes.is_empty() {
        html.raw("<p class=dim>No line says that a limit was reached.</p>");
    }
    for cause in &logs.causes {
        html.raw("<div class=\"finding info\"><h3><b>")
            .text(cause.decided.unwrap_or(cause.cause).code())
            .raw("</b>")
            .show(cause.times)
            .raw(if cause.times == 1 {
                " message"
            } else {
                " messages"
            });
        if let (Some(first), Some(last)) = (&cause.first, &cause.last) {
            html.raw(", ").text(first);
            if first != last {
                html.raw(" to ").text(last);
            }
        }
        html.raw("</h3><pre>").text(&cause.sample).raw("</pre>");
        for words in &cause.node_says {
            html.raw("<p class=why>").text(words).raw("</p>");
        }
        html.raw("</div>");
    }
    html.raw("</section>");
}

fn holders(html: &mut Html, incident: &Incident) {
    if incident.workloads.is_empty() {
        return;
    }
    let seconds = seconds(incident);
    let several = incident.samples.len() > 1;
    let provenance = incident.report.inotify_provenance();
    html.raw("<section><h2>Who holds inotify</h2><div class=wide><table><tr><th>workload");
    if several {
        html.raw("<th>watches over time<th class=n>change");
    }
    html.raw("<th class=n>watches<th class=n>instances</tr>");
    for holder in &incident.workloads {
        let (Some(first), Some(last)) = (holder.points.first(), holder.points.last()) else {
            continue;
        };
        html.raw("<tr><td>").text(&holder.name).raw("</td>");
        if several {
            let watches: Vec<_> = holder.points.iter().map(|p| (p.0, p.1)).collect();
            html.raw("<td class=spark>")
                .made(&plot::spark(&watches, seconds))
                .raw("</td>")
                .number(signed(nospace_core::diff::minus(last.1, first.1)));
        }
        html.number(number::figure(last.1, provenance))
            .number(number::figure(last.2, provenance))
            .raw("</tr>");
    }
    html.raw("</table></div>");
    if provenance == Provenance::Estimated {
        html.raw("<p class=\"dim why\">~ estimate, counted from /proc (the kernel's own figure may be higher).</p>");
    }
    html.raw("</section>");
}

fn signed(by: i64) -> String {
    let amount = thousands(by.unsigned_abs());
    match by {
        0 => amount,
        1.. => format!("+{amount}"),
        _ => format!("\u{2212}{amount}"),
    }
}

fn unseen(html: &mut Html, incident: &Incident) {
    let all = not_seen(incident);
    html.raw("<section><h2>What could not be seen</h2>");
    if all.is_empty() {
        html.raw("<p class=dim>Nothing: every collector read everything it needs.</p>");
    }
    html.raw("<ul>");
    for one in &all {
        html.raw("<li>").text(one).raw("</li>");
    }
    html.raw("</ul></section>");
}

fn made(html: &mut Html, incident: &Incident) {
    html.raw("<section><h2>How this was made</h2>");
    for command in &incident.commands {
        html.raw("<pre>").text(command).raw("</pre>");
    }
    html.raw("<p class=why>nospace ")
        .text(env!("CARGO_PKG_VERSION"))
        .raw(" · ")
        .text(&range(incident))
        .raw(" · ")
        .text(trust(&incident.report))
        .raw("</p></section>");
}

fn trust(report: &Report) -> &'static str {
    match report.inotify_provenance() {
        Provenance::Exact => "inotify as the kernel counts it",
        Provenance::Estimated => "inotify estimated from /proc",
        Provenance::Unavailable => "inotify could not be counted",
    }
}
