use nospace_core::report::Severity;

use super::{causes, count, whose};
use crate::trace::{SummaryRow, TraceSummary};
use crate::ui::screen::Screen;
use crate::ui::table::{Align, Cell, Table};
use crate::ui::{Page, style};

/// Rows that are shown, unless all are asked for.
const ROWS: usize = 20;

/// What calls summed up to: refusals first.
#[must_use]
pub fn summary(summary: &TraceSummary, screen: &Screen, all: bool) -> Page {
    let mut page = Page::new(screen.width, screen.charset);
    let title = if summary.last { "In all" } else { "Since then" };
    let span = format!("{} to {}", second(&summary.from), second(&summary.until));
    page.heading(title, &span);
    let refused = if summary.refused > 0 {
        style::severity(Severity::Critical)
    } else {
        style::PLAIN
    };
    let line = page.indented();
    let line = line.plain(&format!(
        "{}, {} failed, ",
        calls(summary.calls),
        summary.failed
    ));
    page.add(line.put(refused, &format!("{} refused", summary.refused)));
    left_out(&mut page, summary);
    rows(&mut page, summary, if all { usize::MAX } else { ROWS });
    page
}

fn calls(number: u64) -> String {
    match number {
        1 => "1 call".to_owned(),
        n => format!("{n} calls"),
    }
}

/// `2026-01-02 03:04:05Z`
fn second(time: &str) -> String {
    let until_second = time.get(..19).unwrap_or(time);
    format!("{}Z", until_second.replace('T', " "))
}

fn left_out(page: &mut Page, summary: &TraceSummary) {
    let mut say = |style, text: String| page.wrapped(page.indented(), style, &text);
    if summary.lost > 0 {
        let lost = calls(summary.lost);
        say(
            style::severity(Severity::Warning),
            format!("{lost} lost: they came faster than they could be read"),
        );
    } else {
        say(style::DIM, "no call lost".to_owned());
    }
    if summary.unplaced > 0 {
        let unplaced = calls(summary.unplaced);
        say(
            style::severity(Severity::Warning),
            format!(
                "{unplaced} left out: the process was gone before its pod or container could be told"
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
        table = table.column("UID", Align::Right);
    }
    table = table.names("WHOSE");
    for one in shown {
        table.row(row(one, roomy));
    }
    let mut lines = table.lines(page).into_iter();
    lines.by_ref().take(1).for_each(|head| page.add(head));
    for (line, one) in lines.zip(shown) {
        page.add(line);
        if let Some(at) = one.count.filter(|_| !one.candidates.is_empty()) {
            let before = page.indented().plain("  ");
            page.wrapped(
                before,
                style::DIM,
                &format!("{}, at the last of them", count(&at)),
            );
        }
    }
    let rest: u64 = summary.rows[shown.len()..].iter().map(|r| r.calls).sum();
    let rest = rest + summary.calls_omitted;
    if rest > 0 {
        let says = format!("{} of other kinds (-v lists more)", calls(rest));
        page.add(page.indented().put(style::DIM, &says));
    }
}

fn row(row: &SummaryRow, roomy: bool) -> Vec<Cell> {
    let result = match &row.error {
        Some(_) if !row.candidates.is_empty() => {
            Cell::styled(style::severity(Severity::Critical), causes(&row.candidates))
        }
        Some(error) => Cell::styled(style::severity(Severity::Warning), error.as_str()),
        None => Cell::new("done"),
    };
    let whose = whose(row.owner.as_ref());
    let mut cells = vec![
        Cell::new(row.calls.to_string()),
        Cell::new(row.call.as_str()),
        result,
        Cell::new(row.comm.as_str()),
    ];
    if roomy {
        cells.push(Cell::new(row.uid.to_string()));
    }
    cells.push(if row.candidates.is_empty() {
        Cell::new(whose)
    } else {
        Cell::styled(style::VICTIM, whose)
    });
    cells
}
