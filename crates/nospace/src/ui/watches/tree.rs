use nospace_core::amount::thousands;
use nospace_core::watches::{Branch, Tree, WatchesReport, places};

use super::options::Options;
use super::words::share;
use crate::ui::table::{Align, Cell, Table};
use crate::ui::{Page, number, style};

/// A tree of directories, those with the most watches opened.
pub fn draw(page: &mut Page, report: &WatchesReport, options: &Options) {
    let places = places(&report.watches);
    let tree = Tree::new(places.iter().map(|(place, watches)| (&**place, *watches)));
    page.heading("By path", "entries below 1 % are folded");
    let mut table = Table::default()
        .column("WATCHES", Align::Right)
        .column("SHARE", Align::Right)
        .names("HOST PATH");
    for branch in tree.folded(options.top()) {
        table.row(vec![
            Cell::new(thousands(branch.watches)),
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
            number::count(n as u64, "entry", "entries")
        )),
        (n, _) => Cell::styled(
            style::DIM,
            format!(
                "{indent}{}",
                number::count(n as u64, "other entry", "other entries")
            ),
        ),
    }
}
