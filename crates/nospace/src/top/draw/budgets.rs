use anstyle::Style;
use nospace_core::growth;
use nospace_core::model::Provenance;
use nospace_core::report::Report;

use super::canvas::Canvas;
use super::columns::{Column, Columns};
use super::figures::{change, percent, sparkline, used, what};
use super::look::Look;
use crate::top::budgets::Budget;
use crate::top::state::{Shown, State};
use crate::ui::bar::bar;
use crate::ui::{Line, human, number, style};

/// Guards that are shown: more than one is rare.
const GUARDS: usize = 2;
const BAR: &str = " ";
const TREND: &str = "TREND";
const USED: &str = "USED";
const FULL_IN: &str = "FULL IN";

const COLUMNS: [Column; 8] = [
    Column::names("LIMIT", 17, 0),
    Column::names("OF", 15, 3),
    Column::names(BAR, 6, 2).optional(2),
    Column::figures(USED, 17),
    Column::figures("", 5),
    Column::names(TREND, 8, 4).optional(4),
    Column::figures("CHANGE/MIN", 10).optional(3),
    Column::figures(FULL_IN, 10).optional(5),
];

/// The budgets that matter most: inotify's fullest, and the fullest of the others.
pub fn panel(canvas: &mut Canvas<'_>, state: &State, report: &Report) {
    let most = (canvas.height() / 5).clamp(2, 6);
    let inotify = state.budgets.iter().filter(|budget| budget.is_inotify());
    let others = state.budgets.iter().filter(|budget| !budget.is_inotify());
    // As many others as are under pressure, at least one.
    let pressed = |budget: &&Budget| budget.percent() >= Some(80);
    let others_shown = others.clone().filter(pressed).count().clamp(1, most / 2);
    let columns = Columns::fit(&COLUMNS, canvas.width(), canvas.look.charset);
    canvas.line(&columns.headings(""));
    let shown = inotify
        .take(most - others_shown)
        .chain(others.take(others_shown));
    for budget in shown {
        canvas.line(&row(&columns, budget, canvas.look));
    }
    guards(canvas, report);
}

/// What is kept from pods: they get less than the limit.
fn guards(canvas: &mut Canvas<'_>, report: &Report) {
    for line in human::guard_lines(report, canvas.look.charset)
        .iter()
        .take(GUARDS)
    {
        canvas.line(line);
    }
}

/// All of them.
pub fn list(canvas: &mut Canvas<'_>, state: &State, report: &Report) -> Shown {
    let known = state
        .budgets
        .iter()
        .filter(|budget| budget.percent().is_some());
    let unknown = state.budgets.len() - known.count();
    let title = Line::new(canvas.look.charset).put(style::BOLD, "Limits");
    let mut remark = format!(
        "{}, the fullest first",
        number::count(state.budgets.len() as u64, "limit", "limits")
    );
    if unknown > 0 {
        remark.push_str(&format!(", {unknown} unknown"));
    }
    canvas.line(&title.plain("  ").put(style::DIM, &remark));
    guards(canvas, report);
    let columns = Columns::fit(&COLUMNS, canvas.width(), canvas.look.charset);
    canvas.line(&columns.headings(""));
    let shown = Shown {
        rows: canvas.height(),
        lines: state.budgets.len(),
    };
    for budget in state.budgets.iter().skip(state.scroll).take(shown.rows) {
        canvas.line(&row(&columns, budget, canvas.look));
    }
    shown
}

fn row(columns: &Columns, budget: &Budget, look: Look) -> Line {
    let (color, share) = percent(budget);
    let full = columns.width(BAR);
    let drawn = budget
        .percent()
        .map_or_else(String::new, |percent| bar(percent, full, look.charset));
    let trend = match budget.provenance {
        Provenance::Unavailable => String::new(),
        _ => sparkline(&budget.points, columns.width(TREND), look),
    };
    let full_in = budget
        .full_in
        .map(|seconds| span(seconds, columns.width(FULL_IN)));
    columns.row([
        (style::PLAIN, what(budget)),
        (style::PLAIN, budget.owner.clone()),
        (color, drawn),
        (style::PLAIN, used(budget, columns.width(USED))),
        (color, share),
        (color, trend),
        change(budget.per_minute, &budget.key.unit, budget.provenance),
        (Style::new(), full_in.unwrap_or_default()),
    ])
}

/// `3 h 20 min` in `room` columns, or `13 h`: a figure that is cut would be another one.
fn span(seconds: f64, room: usize) -> String {
    let whole = growth::span(seconds);
    if whole.len() <= room {
        return whole;
    }
    let largest: Vec<&str> = whole.split(' ').take(2).collect();
    largest.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_does_not_fit_loses_its_smaller_unit() {
        assert_eq!(span(12_000.0, 10), "3 h 20 min");
        assert_eq!(span(48_000.0, 10), "13 h");
        assert_eq!(span(1e6, 10), "11 d");
        assert_eq!(span(f64::MAX, 10), growth::span(f64::MAX));
    }
}
