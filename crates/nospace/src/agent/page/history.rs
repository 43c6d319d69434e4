use nospace_core::amount::count;
use nospace_core::history::HistoryDocument;
use nospace_core::report::Report;

use crate::incident::{Frame, Incident, figure, history};
use crate::ui::html::Html;

/// Budgets that are plotted.
const PLOTS: usize = 6;
/// Events that are not folded.
const EVENTS: usize = 5;

/// The last hours: budgets, refused calls, when the agent did not run.
pub fn draw(html: &mut Html, document: &HistoryDocument, report: &Report) {
    let Some(mut incident) = history::incident(document, report.clone()) else {
        return;
    };
    incident.budgets.truncate(PLOTS);
    html.raw("<section><h2>History</h2>");
    if incident.samples.len() < 2 {
        html.raw("<p class=dim>It begins with the second point: there is one every ")
            .text(&figure::long(document.step_seconds.max(1.0)))
            .raw(".</p>");
    } else {
        figure::plots(html, &incident.budgets, &Frame::of(&incident));
        html.raw("<p class=\"dim why\" style=\"margin-top:10px\">Each point is the most of ")
            .text(&figure::long(document.step_seconds.max(1.0)))
            .raw(". Dashes: the limit. Ticks at the bottom: calls refused because of it. Dotted lines: changes listed below. Grey: nothing is known.</p>");
        events(html, &mut incident);
    }
    for gap in &incident.gaps {
        html.raw("<p class=\"dim why\">")
            .text(&capital(gap))
            .raw(".</p>");
    }
    html.raw("</section>");
}

/// The last ones first, the others folded.
fn events(html: &mut Html, incident: &mut Incident) {
    incident.events.reverse();
    let (open, folded) = incident.events.split_at(incident.events.len().min(EVENTS));
    figure::events(html, open);
    if !folded.is_empty() {
        html.raw("<details><summary>")
            .text(&count(
                folded.len() as u64,
                "earlier event",
                "earlier events",
            ))
            .raw("</summary>");
        figure::events(html, folded);
        html.raw("</details>");
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}
