use nospace_core::amount::thousands;
use nospace_core::plan::{Basis, Formula, Plan, Term};

use crate::ui::table::{Align, Cell, Table};
use crate::ui::{Page, style};

/// Every term and their sum; with formulas and sources where that is asked for.
pub fn draw(page: &mut Page, plan: &Plan, verbose: bool) {
    page.heading("Needed", "all charged to uid 0");
    let mut table = Table::default()
        .names("WHO")
        .column("INSTANCES", Align::Right)
        .column("WATCHES", Align::Right);
    let wide = !page.is_narrow();
    if wide {
        table = table.names("WHAT FOR");
    }
    let mut add = |mut cells: Vec<Cell>| {
        cells.truncate(if wide { 4 } else { 3 });
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
        Cell::styled(style::BOLD, "total"),
        Cell::styled(style::BOLD, thousands(total.instances)),
        Cell::styled(style::BOLD, thousands(total.watches)),
        Cell::new(""),
    ]);
    page.table_with(&table, |page, row| {
        if let Some(term) = plan.terms.get(row).filter(|_| verbose) {
            details(page, term);
        }
    });
}

fn row(who: &str, instances: u64, watches: u64, why: &str) -> Vec<Cell> {
    vec![
        Cell::new(who),
        Cell::new(thousands(instances)),
        Cell::new(thousands(watches)),
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
