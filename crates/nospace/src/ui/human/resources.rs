use std::cmp::Reverse;

use nospace_core::model::Provenance;
use nospace_core::report::{Report, Resource};

use super::Options;
use crate::ui::bar::bar;
use crate::ui::table::{Align, Cell, Table};
use crate::ui::{Line, Page, number, style};

/// From here on a budget is shown without being asked for: where a finding begins.
const PRESSURE: u64 = 80;

/// Every other budget: those under pressure each, the rest in one line.
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
        others(page, title, rest, "");
    } else {
        page.add(title);
        page.table(&table(page, shown));
        for note in shown.iter().filter_map(|r| Some((r, r.note.as_ref()?))) {
            page.wrapped(
                page.indented(),
                style::DIM,
                &format!("{}: {}", note.0.subject, note.1),
            );
        }
        others(page, page.indented(), rest, " others");
    }
}

fn others(page: &mut Page, before: Line, rest: &[&Resource], others: &str) {
    let known = rest.iter().filter(|r| percent(r).is_some()).count();
    let mut said = Vec::new();
    if let Some(fullest) = rest.first().filter(|_| known > 0) {
        let share = number::figure(fullest.percent(), fullest.provenance);
        let (cause, subject) = (fullest.cause, &fullest.subject);
        said.push(format!(
            "{known}{others} below {PRESSURE} %, fullest {cause} {subject} at {share} %"
        ));
    }
    if let Some(unknown @ 1..) = rest.len().checked_sub(known) {
        said.push(format!("{unknown} not known"));
    }
    if !said.is_empty() {
        page.wrapped(
            before,
            style::DIM,
            &format!("{} (-v lists them)", said.join(", ")),
        );
    }
}

fn percent(resource: &Resource) -> Option<u64> {
    (resource.provenance != Provenance::Unavailable).then(|| resource.percent())
}

fn table(page: &Page, shown: &[&Resource]) -> Table {
    let mut table = Table::default()
        .column("CAUSE", Align::Left)
        .names("WHOSE")
        .column("USED", Align::Right)
        .column("", Align::Left);
    let width = if page.is_narrow() { 4 } else { 10 };
    for one in shown {
        let share = match percent(one) {
            Some(percent) => Cell::styled(
                style::pressure(percent),
                format!("{}{percent:>4} %", bar(percent, width, page.charset)),
            ),
            None => Cell::default(),
        };
        table.row(vec![
            Cell::new(one.cause.code()),
            Cell::new(one.subject.as_str()),
            Cell::new(number::amounts(
                one.used,
                one.limit,
                &one.unit,
                one.provenance,
            )),
            share,
        ]);
    }
    table
}
