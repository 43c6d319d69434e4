use nospace_core::amount::thousands;

use super::canvas::Canvas;
use super::columns::{Column, Columns};
use super::figures;
use super::frame::tracing;
use crate::top::refusals::Reasons;
use crate::top::state::{Shown, State};
use crate::trace::TracedCall;
use crate::ui::{Line, Page, number, style, trace};

const COLUMNS: [Column; 8] = [
    Column::names("TIME", 12, 0),
    Column::names("PROGRAM", 13, 1),
    Column::figures("PID", 7).optional(3),
    Column::names("OWNER", 10, 3).optional(1),
    Column::names("CALL", 17, 1).optional(4),
    Column::names("CAUSE", 17, 1),
    Column::names("COUNT", 22, 1).optional(2),
    Column::names("PATH", 20, 4).optional(5),
];

/// Calls that were refused, the newest first.
pub fn draw(canvas: &mut Canvas<'_>, state: &State) -> Shown {
    let log = &state.data().refusals;
    let charset = canvas.look.charset;
    let mut said = vec![number::count(log.total, "call", "calls")];
    for (reasons, calls) in log.by_cause().into_iter().take(3) {
        said.push(format!(
            "{} {}",
            figures::reasons(reasons),
            thousands(calls)
        ));
    }
    if log.omitted > 0 {
        said.push(format!("{} counted but not listed", thousands(log.omitted)));
    }
    if log.lost > 0 {
        said.push(format!("{} lost: they came too fast", thousands(log.lost)));
    }
    let mut page = Page::new(canvas.width(), charset);
    let title = page.line().put(style::BOLD, "Refused calls").plain("  ");
    page.wrapped(title, style::DIM, &said.join(", "));
    if let Some(why) = tracing(state) {
        page.wrapped(page.line(), style::pressure(80), &why);
    }
    for line in page.into_lines() {
        canvas.line(&line);
    }
    let columns = Columns::fit(&COLUMNS, canvas.width(), charset);
    canvas.line(&columns.headings(""));
    let shown = Shown {
        rows: canvas.height(),
        lines: log.len(),
    };
    if log.is_empty() && tracing(state).is_none() {
        canvas.line(&Line::new(charset).put(style::DIM, none(state)));
    }
    for call in log.newest().skip(state.scroll).take(shown.rows) {
        canvas.line(&row(&columns, call));
    }
    shown
}

fn none(state: &State) -> &'static str {
    match state.moment {
        Some(_) => "no call was refused before this sample, as far as 60 samples back",
        None => "no call has been refused since top started",
    }
}

fn row(columns: &Columns, call: &TracedCall) -> Line {
    let count = call.count.as_ref().map_or_else(String::new, trace::usage);
    columns.row([
        (style::DIM, trace::time_of_day(&call.time).to_owned()),
        (style::BOLD, call.comm.clone()),
        (style::PLAIN, call.pid.to_string()),
        (style::VICTIM, trace::owner(call.owner.as_ref())),
        (style::PLAIN, call.call.clone()),
        (style::pressure(100), figures::reasons(&Reasons::of(call))),
        (style::PLAIN, count),
        (style::PLAIN, call.path.clone().unwrap_or_default()),
    ])
}
