use nospace_core::explain::Explanation;
use nospace_core::model::{InotifyResource, Provenance};
use nospace_core::report::Report;

use super::Incident;
use super::figure;
use super::frame::Frame;
use super::plot;
use super::words::{not_seen, period, range};
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
        .raw(figure::STYLE)
        .raw(include_str!("style.css"))
        .raw("</style>");
    header(html, report, &period(incident));
}

fn happened(html: &mut Html, incident: &Incident) {
    html.raw("<section><h2>What happened</h2>");
    if incident.samples.len() > 1 {
        figure::events(html, &incident.events);
        if incident.events_omitted > 0 {
            html.raw("<p class=why>")
                .show(incident.events_omitted)
                .raw(" more events are left out.</p>");
        }
    } else {
        html.raw("<p class=why>A single sample: what happened before is not known. nospace record --every 5s records a timeline.</p>");
    }
    figure::plots(html, &incident.budgets, &Frame::of(incident));
    html.raw("</section>");
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
    let seconds = Frame::of(incident).seconds;
    let several = incident.samples.len() > 1;
    let provenance = incident.report.inotify_provenance();
    html.raw("<section><h2>Who holds inotify</h2><div class=wide><table><tr><th>workload");
    html.raw(if several {
        "<th class=spark>watches over time<th class=n>watches at most<th class=n>at the end<th class=spark>instances over time<th class=n>instances at most<th class=n>at the end</tr>"
    } else {
        "<th class=n>watches<th class=n>instances</tr>"
    });
    for holder in &incident.workloads {
        html.raw("<tr><td>").text(&holder.name).raw("</td>");
        for resource in InotifyResource::BOTH.into_iter().rev() {
            let (most, last) = (holder.most(resource), holder.last(resource));
            if several {
                html.raw("<td class=spark>")
                    .made(&plot::spark(&holder.over_time(resource), seconds))
                    .raw("</td>")
                    .number(number::figure(most, provenance));
            }
            html.number(number::figure(last, provenance));
        }
        html.raw("</tr>");
    }
    html.raw("</table></div>");
    if provenance == Provenance::Estimated {
        html.raw("<p class=\"dim why\">~ estimate, counted from /proc (the kernel's own figure may be higher).</p>");
    }
    html.raw("</section>");
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
