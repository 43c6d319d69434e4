use nospace_core::plan::{Basis, Formula, Plan, Term};

use crate::ui::table::{Align, Cell, Table};
use crate::ui::{Page, style};

/// Every term and their sum; with formulas and sources where that is asked for.
pub fn draw(page: &mut Page, plan: &Plan, verbose: bool) {
    page.heading("Needs", "of uid 0, which the kernel charges all of this to");
    let mut table = Table::default()
        .names("WHO")
        .column("INSTANCES", Align::Right)
        .column("WATCHES", Align::Right);
    let roomy = !page.is_narrow();
    if roomy {
        table = table.names("WHAT FOR");
    }
    let mut add = |mut cells: Vec<Cell>| {
        cells.truncate(if roomy { 4 } else { 3 });
        table.row(cells);
    };
    for term in &plan.terms {
        add(row(
            &term.who,
            term.instances.value,
            term.watches.value,
            &why(term),
        ));
    }
    let total = plan.needed;
    add(vec![
        Cell::styled(style::BOLD, "in all"),
        Cell::styled(style::BOLD, total.instances.to_string()),
        Cell::styled(style::BOLD, total.watches.to_string()),
        Cell::new(""),
    ]);
    let mut lines = page.table_lines(&table).into_iter();
    lines.by_ref().take(1).for_each(|head| page.add(head));
    for (at, line) in lines.enumerate() {
        page.add(line);
        if let Some(term) = plan.terms.get(at).filter(|_| verbose) {
            details(page, term);
        }
    }
}

fn row(who: &str, instances: u64, watches: u64, why: &str) -> Vec<Cell> {
    vec![
        Cell::new(who),
        Cell::new(instances.to_string()),
        Cell::new(watches.to_string()),
        Cell::styled(style::DIM, why),
    ]
}

fn why(term: &Term) -> String {
    match term.basis {
        Basis::Assumed => format!("{} (assumed)", term.why),
        Basis::Measured | Basis::Read | Basis::Given => term.why.clone(),
    }
}

fn details(page: &mut Page, term: &Term) {
    let formula = |what: &str, of: &Formula| {
        let plain = of.formula == of.value.to_string();
        (!plain).then(|| format!("{what} = {}", of.formula))
    };
    let basis = match term.basis {
        Basis::Measured => "measured",
        Basis::Read => "read in the source",
        Basis::Assumed => "assumed",
        Basis::Given => "given",
    };
    let said = [
        formula("instances", &term.instances),
        formula("watches", &term.watches),
        Some(format!("{basis}: {}", term.source)),
    ];
    for text in said.into_iter().flatten() {
        page.wrapped(page.indented().plain("    "), style::DIM, &text);
    }
}
