use nospace_core::model::Provenance;
use nospace_core::report::percent;
use nospace_core::watches::WatchesReport;

use super::canvas::Canvas;
use super::columns::{Column, Columns};
use super::holders::first;
use crate::top::drill::{Content, Drill, TreeLine};
use crate::top::state::Shown;
use crate::ui::{Page, number, style};
use crate::watches::provenance;

const COLUMNS: [Column; 3] = [
    Column::figures("WATCHES", 11),
    Column::figures("SHARE", 6),
    Column::names("HOST PATH", 20, 1),
];

/// The watches of a holder.
pub fn draw(canvas: &mut Canvas<'_>, drill: &Drill) -> Shown {
    let mut page = Page::new(canvas.width(), canvas.look.charset);
    let title = page.line().put(style::BOLD, "Watches").plain("  ");
    page.wrapped(title, style::PLAIN, &drill.title);
    match &drill.content {
        Content::Loading => page.wrapped(page.line(), style::DIM, "listing them ..."),
        Content::Failed(why) => {
            let says = format!("cannot list them: {why}");
            page.wrapped(page.line(), style::pressure(80), &says);
        }
        Content::Listed { report, .. } => {
            page.wrapped(page.line(), style::DIM, &summary(report));
            if let Some(inside) = drill.inside.last() {
                page.wrapped(page.line(), style::COMMAND, &format!("in {inside}"));
            }
        }
    }
    for line in page.into_lines() {
        canvas.line(&line);
    }
    let columns = Columns::fit(&COLUMNS, canvas.width(), canvas.look.charset);
    let Content::Listed { report, lines } = &drill.content else {
        return Shown::default();
    };
    canvas.line(&columns.headings(""));
    let shown = Shown {
        rows: canvas.height(),
        lines: lines.len(),
    };
    let first = first(drill.selected, shown.rows);
    for (at, line) in lines.iter().enumerate().skip(first).take(shown.rows) {
        let drawn = row(&columns, line, report);
        if at == drill.selected {
            canvas.chosen(&drawn);
        } else {
            canvas.line(&drawn);
        }
    }
    shown
}

fn summary(report: &WatchesReport) -> String {
    let count = |n: usize, one, many| {
        number::quantity(
            n as u64,
            provenance(report).min(Provenance::Estimated),
            one,
            many,
        )
    };
    let unnamed = report
        .watches
        .iter()
        .filter(|watch| watch.path.is_none())
        .count();
    let mut said = vec![
        count(report.watches.len(), "watch", "watches"),
        count(report.instances.len(), "instance", "instances"),
    ];
    if unnamed > 0 {
        said.push(format!("{unnamed} with unknown path"));
    }
    format!("{}, at {}", said.join(", "), report.taken_at)
}

fn row(columns: &Columns, line: &TreeLine, report: &WatchesReport) -> crate::ui::Line {
    let known = provenance(report).min(Provenance::Estimated);
    let share = percent(line.watches, report.watches.len() as u64).unwrap_or(0);
    let indent = "  ".repeat(line.depth);
    let (look, label) = match (line.others, line.folded) {
        (0, 0) => (style::PLAIN, format!("{indent}{}", line.label)),
        (0, folded) => {
            let entries = number::count(folded as u64, "entry", "entries");
            (style::PLAIN, format!("{indent}{}  ({entries})", line.label))
        }
        (others, _) => {
            let others = number::count(others as u64, "other entry", "other entries");
            (style::DIM, format!("{indent}{others}"))
        }
    };
    columns.row([
        (style::PLAIN, number::figure(line.watches, known)),
        (style::DIM, format!("{share} %")),
        (look, label),
    ])
}
