use std::borrow::Cow;

use nospace_core::watches::{Branch, NamedWatch, Tree, WatchesReport};

use super::{Options, number_of, share};
use crate::ui::table::{Align, Cell, Table};
use crate::ui::{Page, style};

/// Directories, dear ones opened.
pub fn draw(page: &mut Page, report: &WatchesReport, options: &Options) {
    let places: Vec<Cow<'_, str>> = report.watches.iter().map(NamedWatch::place).collect();
    let tree = Tree::new(places.iter().map(|place| &**place));
    page.heading("By path", "less than a hundredth is added up");
    let mut table = Table::default()
        .column("WATCHES", Align::Right)
        .column("SHARE", Align::Right)
        .names("PATH, AS THE HOST SEES IT");
    for branch in tree.folded(options.top()) {
        table.row(vec![
            Cell::new(branch.watches.to_string()),
            Cell::new(share(report, branch.watches)),
            label(&branch),
        ]);
    }
    page.table(&table);
}

fn label(branch: &Branch<'_>) -> Cell {
    let indent = "  ".repeat(branch.depth);
    match (branch.others, branch.folded) {
        (0, 0) => Cell::new(format!("{indent}{}", branch.label)),
        (0, n) => Cell::new(format!(
            "{indent}{}  ({})",
            branch.label,
            number_of(n, "entry", "entries")
        )),
        (n, _) => Cell::styled(
            style::DIM,
            format!("{indent}{}", number_of(n, "other entry", "other entries")),
        ),
    }
}
