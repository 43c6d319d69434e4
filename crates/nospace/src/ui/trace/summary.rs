use std::time::Duration;

use nospace_core::amount::{duration, thousands};
use nospace_core::report::Severity;

use super::words::{guard, owner, reasons, uid, usage, user};
use crate::trace::{SummaryRow, TraceSummary};
use crate::ui::screen::Screen;
use crate::ui::table::{Align, Cell, Table};
use crate::ui::{Page, number, style};

/// Rows that are shown, unless all are asked for.
const ROWS: usize = 20;

/// Totals: limit errors first.
#[must_use]
pub fn summary(summary: &TraceSummary, screen: &Screen, all: bool) -> Page {
    let mut page = Page::new(screen.width, screen.charset);
    let span = span(summary);
    if summary.last {
        let total = format!("{span}, {}", times(summary));
        page.heading("Total", total.trim_start_matches(", "));
    } else {
        page.heading(format!("Last {span}").trim_end(), &times(summary));
    }
    let refused = if summary.refused > 0 {
        style::severity(Severity::Critical)
    } else {
        style::PLAIN
    };
    let line = page.indented();
    let line = match summary.calls {
        0 => line.plain("no calls"),
        n => line.plain(&calls(n)),
    };
    page.add(match summary.failed {
        0 if summary.calls == 0 => line,
        0 => line.plain(", none failed"),
        failed => {
            let failed = if failed == summary.calls {
                "all".to_owned()
            } else {
                thousands(failed)
            };
            let of_failed = |calls: u64| match calls {
                0 => "none".to_owned(),
                calls if calls == summary.failed => "all".to_owned(),
                calls => thousands(calls),
            };
            let hit = match summary.rows.iter().any(is_uncertain) {
                true => "hit a limit, or may have",
                false => "hit a limit",
            };
            let refusals = of_failed(summary.refused);
            let line = line
                .plain(&format!(", {failed} failed ("))
                .put(refused, &format!("{refusals} {hit}"));
            match summary.refused_by_guard {
                0 => line.plain(")"),
                calls => line.plain(&format!("; {} refused by a guard)", of_failed(calls))),
            }
        }
    });
    left_out(&mut page, summary);
    rows(&mut page, summary, if all { usize::MAX } else { ROWS });
    page
}

/// Something else may have refused the calls.
fn is_uncertain(row: &SummaryRow) -> bool {
    !row.candidates.is_empty() && row.otherwise.is_some()
}

fn calls(number: u64) -> String {
    number::count(number, "call", "calls")
}

/// `4 s`; empty where the times are not RFC 3339.
fn span(summary: &TraceSummary) -> String {
    let time = |text: &str| text.parse::<jiff::Timestamp>().ok();
    let span = time(&summary.from)
        .zip(time(&summary.until))
        .and_then(|(from, until)| Duration::try_from(until.duration_since(from)).ok());
    span.map_or(String::new(), |span| {
        duration(Duration::from_secs(span.as_secs_f64().round() as u64))
    })
}

/// `2026-01-02 03:04:05–03:04:09 UTC`, both dates where they differ.
fn times(summary: &TraceSummary) -> String {
    let second = |time: &str| {
        let end = time.get(..19).unwrap_or(time);
        end.replace('T', " ")
    };
    let (from, until) = (second(&summary.from), second(&summary.until));
    let same_day = from.get(..11) == until.get(..11);
    let until = if same_day {
        until.get(11..).unwrap_or(&until)
    } else {
        &until
    };
    format!("{from}–{until} UTC")
}

fn left_out(page: &mut Page, summary: &TraceSummary) {
    let mut say = |style, text: String| page.wrapped(page.indented(), style, &text);
    if summary.lost > 0 {
        let lost = number::count(summary.lost, "event", "events");
        say(
            style::severity(Severity::Warning),
            format!("{lost} lost: they came faster than nospace could read them"),
        );
    } else {
        say(style::DIM, "no events lost".to_owned());
    }
    if summary.unplaced > 0 {
        let unplaced = calls(summary.unplaced);
        say(
            style::severity(Severity::Warning),
            format!(
                "{unplaced} left out: the program, pod or container is unknown, as for a process that has exited"
            ),
        );
    }
}

fn rows(page: &mut Page, summary: &TraceSummary, most: usize) {
    let shown = &summary.rows[..summary.rows.len().min(most)];
    if shown.is_empty() {
        return;
    }
    let roomy = !page.is_narrow();
    let mut table = Table::default()
        .column("CALLS", Align::Right)
        .column("CALL", Align::Left)
        .names("RESULT")
        .names("PROGRAM");
    if roomy {
        table = table.names("UID");
    }
    table = table.names("OWNER");
    for one in shown {
        table.row(row(one, roomy));
    }
    page.table_with(&table, |page, row| {
        let one = &shown[row];
        if let Some(at) = one.count.as_ref().filter(|_| !one.candidates.is_empty()) {
            let guard = guard(one.guard);
            let says = format!("{} had {} (last error){guard}", user(at), usage(at));
            page.wrapped(page.indented().plain("  "), style::DIM, &says);
        }
    });
    let rest: u64 = summary.rows[shown.len()..].iter().map(|r| r.calls).sum();
    let rest = rest + summary.calls_omitted;
    if rest > 0 {
        let says = format!("{} of other kinds (-v lists them)", calls(rest));
        page.add(page.indented().put(style::DIM, &says));
    }
}

fn row(row: &SummaryRow, roomy: bool) -> Vec<Cell> {
    let result = match &row.error {
        Some(_) if !row.candidates.is_empty() => Cell::styled(
            style::severity(Severity::Critical),
            reasons(
                &row.candidates,
                row.otherwise.as_deref(),
                row.guard.is_some(),
            ),
        ),
        Some(error) => Cell::styled(style::severity(Severity::Warning), error.as_str()),
        None => Cell::new("ok"),
    };
    let owner = owner(row.owner.as_ref());
    let mut cells = vec![
        Cell::new(thousands(row.calls)),
        Cell::new(row.call.as_str()),
        result,
        Cell::new(row.comm.as_str()),
    ];
    if roomy {
        cells.push(Cell::new(uid(row.uid, row.user_name.as_deref())));
    }
    cells.push(if row.candidates.is_empty() {
        Cell::new(owner)
    } else {
        Cell::styled(style::VICTIM, owner)
    });
    cells
}
