use std::cmp::Reverse;

use nospace_core::model::{Provenance, UserNames};
use nospace_core::report::{Report, Resource};

use super::options::Options;
use crate::ui::bar::bar;
use crate::ui::table::{Align, Cell, Table};
use crate::ui::{Line, Page, number, style, text};

/// From here on a limit is listed without -v: where a finding begins.
const PRESSURE: u64 = 80;
/// Page width from which on a bar is drawn even where names are long.
const WIDE: usize = 100;
/// Columns of a row that are neither words nor bar: three gaps, a share.
const NOT_BAR: usize = 3 * 2 + 6;

/// All other limits: those under pressure one by one, the rest in one line.
pub fn draw(page: &mut Page, report: &Report, options: &Options) {
    let mut all: Vec<&Resource> = report.resources.iter().collect();
    all.sort_by_key(|r| Reverse(percent(r)));
    let pressed = all.iter().filter(|r| percent(r) >= Some(PRESSURE)).count();
    let (shown, rest) = all.split_at(if options.verbose { all.len() } else { pressed });
    if all.is_empty() {
        return;
    }
    page.add(page.line());
    let title = page.labelled("Other limits");
    if shown.is_empty() {
        others(page, title, rest, "", report);
    } else {
        page.add(title);
        page.table(&table(page, shown, &report.user_names));
        for note in shown.iter().filter_map(|r| Some((r, r.note.as_ref()?))) {
            page.wrapped(
                page.indented(),
                style::DIM,
                &format!("{}: {}", report.user_names.caption(&note.0.subject), note.1),
            );
        }
        others(page, page.indented(), rest, " others", report);
    }
}

fn others(page: &mut Page, before: Line, rest: &[&Resource], others: &str, report: &Report) {
    let known = rest.iter().filter(|r| percent(r).is_some()).count();
    let mut said = Vec::new();
    if let Some(fullest) = rest.first().filter(|_| known > 0) {
        let share = number::figure(fullest.percent(), fullest.provenance);
        let (cause, subject) = (fullest.cause, report.user_names.caption(&fullest.subject));
        said.push(format!(
            "{known}{others} below {PRESSURE} % (fullest: {cause} {subject}, {share} %)"
        ));
    }
    if let Some(unknown @ 1..) = rest.len().checked_sub(known) {
        said.push(format!("{unknown} unknown"));
    }
    if !said.is_empty() {
        page.wrapped(
            before,
            style::DIM,
            &format!("{}; -v lists them", said.join(", ")),
        );
    }
}

fn percent(resource: &Resource) -> Option<u64> {
    (resource.provenance != Provenance::Unavailable).then(|| resource.percent())
}

fn table(page: &Page, shown: &[&Resource], names: &UserNames) -> Table {
    let mut table = Table::default()
        .column("CAUSE", Align::Left)
        .names("WHERE")
        .column("USED", Align::Right)
        .column("", Align::Right);
    let width = bar_width(page, shown, names);
    for one in shown {
        let share = percent(one).map_or(Cell::default(), |percent| {
            let drawn = format!("{}{percent:>4} %", bar(percent, width, page.charset));
            Cell::styled(style::pressure(percent), drawn)
        });
        table.row(vec![
            Cell::new(one.cause.code()),
            Cell::new(names.caption(&one.subject)),
            Cell::new(amounts(one)),
            share,
        ]);
    }
    table
}

/// What the names leave; on a narrow page a bar that would cost a name is not drawn.
fn bar_width(page: &Page, shown: &[&Resource], names: &UserNames) -> usize {
    let widest = |text: &dyn Fn(&Resource) -> String| {
        let widths = shown.iter().map(|r| text::width(&text(r)));
        widths.max().unwrap_or(0)
    };
    let words = widest(&|r| r.cause.to_string())
        + widest(&|r| page.charset.clean(&names.caption(&r.subject)).into_owned())
        + widest(&amounts);
    let left = page.room().saturating_sub(words + NOT_BAR);
    match left {
        _ if page.width >= WIDE => left.clamp(8, 20),
        0..4 => 0,
        _ => left.min(20),
    }
}

fn amounts(resource: &Resource) -> String {
    number::amounts(
        resource.used,
        resource.limit,
        &resource.unit,
        resource.provenance,
    )
}
