//! What `nospace diff` shows.

use std::time::Duration;

use nospace_core::amount::{self, thousands};
use nospace_core::diff::{BudgetChange, Difference, Level, minus};
use nospace_core::model::{Pair, Subject};
use nospace_core::report::{Refusals, budget_name};

use super::human;
use super::screen::Screen;
use super::table::{Align, Cell, Table};
use super::{Page, number, style, trace};

/// How it is shown.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Where.
    pub screen: Screen,
    /// Rows of each kind at most.
    pub top: usize,
}

/// Draws it.
#[must_use]
pub fn draw(difference: &Difference, options: &Options) -> Page {
    let mut page = Page::new(options.screen.width, options.screen.charset);
    let (before, after) = (&difference.before, &difference.after);
    let nodes = if before.node == after.node {
        after.node.clone()
    } else {
        format!("{} and {}", before.node, after.node)
    };
    let line = page
        .line()
        .put(style::BOLD, &format!("nospace diff {nodes}: "));
    let line = line.plain(&format!("{} to {}", before.taken_at, after.taken_at));
    page.add(match span(&before.taken_at, &after.taken_at) {
        Some(span) => line.plain(&format!(" ({span})")),
        None => line,
    });
    for note in &difference.notes {
        let line = page
            .line()
            .put(
                style::severity(nospace_core::report::Severity::Warning),
                "NOTE",
            )
            .pad_to(6);
        page.wrapped(line, style::PLAIN, note);
    }
    budgets(&mut page, difference, options);
    workloads(&mut page, difference, options);
    processes(&mut page, difference, options);
    refusals(&mut page, difference, options);
    for (title, findings) in [
        ("New findings", &difference.new_findings),
        ("Findings that are gone", &difference.gone_findings),
    ] {
        if !findings.is_empty() {
            page.heading(title, "");
            for finding in findings {
                human::finding_title(&mut page, finding);
            }
        }
    }
    let changed = !difference.budgets.is_empty()
        || !difference.workloads.is_empty()
        || !difference.processes.is_empty();
    if !changed {
        page.add(page.line());
        let says = if difference.notes.is_empty() {
            "No usage and no limit changed."
        } else {
            "Of what both samples show, no usage and no limit changed."
        };
        page.add(page.line().plain(says));
    }
    page
}

fn span(before: &str, after: &str) -> Option<String> {
    let parse = |text: &str| text.parse::<jiff::Timestamp>().ok();
    let seconds = parse(after)?.as_second() - parse(before)?.as_second();
    let seconds = u64::try_from(seconds).ok()?;
    Some(amount::duration(Duration::from_secs(seconds)))
}

fn refusals(page: &mut Page, difference: &Difference, options: &Options) {
    let Some(refusals) = difference
        .refusals
        .as_ref()
        .filter(|all| **all != Refusals::default())
    else {
        return;
    };
    let shown = remark(refusals.calls.len(), options);
    page.heading("Refused calls", &shown);
    let mut table = Table::default()
        .column("CALLS", Align::Right)
        .names("PROGRAM")
        .names("OWNER")
        .column("CALL", Align::Left)
        .column("ERROR", Align::Left)
        .column("CAUSE", Align::Left);
    for one in refusals.calls.iter().take(options.top) {
        table.row(vec![
            Cell::new(thousands(one.times)),
            Cell::new(one.comm.clone()),
            Cell::new(trace::owner(one.owner.as_ref())),
            Cell::new(one.call.clone()),
            Cell::new(one.error.clone()),
            Cell::new(trace::reasons(
                &one.causes,
                one.otherwise.as_deref(),
                one.guard.is_some(),
            )),
        ]);
    }
    page.table(&table);
    let more = [
        (refusals.more, "more were refused, by other processes"),
        (
            refusals.lost,
            "came too fast to be traced: some that were refused may be missing",
        ),
    ];
    for (calls, what) in more.into_iter().filter(|(calls, _)| *calls > 0) {
        let says = format!("{} {what}", number::count(calls, "call", "calls"));
        page.wrapped(page.indented(), style::DIM, &says);
    }
}

fn remark(all: usize, options: &Options) -> String {
    if all > options.top {
        format!("{} of {all}; -v lists all", options.top)
    } else {
        String::new()
    }
}

fn budgets(page: &mut Page, difference: &Difference, options: &Options) {
    if difference.budgets.is_empty() {
        return;
    }
    page.heading("Budgets", &remark(difference.budgets.len(), options));
    let mut table = Table::default()
        .column("CHANGE", Align::Right)
        .column("NOW", Align::Right)
        .column("LIMIT", Align::Right)
        .names("BUDGET");
    for change in difference.budgets.iter().take(options.top) {
        let now = change
            .after
            .map(|level| number::amount(level.used, &change.unit, level.provenance));
        table.row(vec![
            signed(change.by(), &change.unit),
            Cell::new(now.unwrap_or_else(|| "-".to_owned())),
            limit_cell(change),
            Cell::new(name(change, difference)),
        ]);
    }
    page.table(&table);
}

/// With the unit where another of these has the same name.
fn name(change: &BudgetChange, difference: &Difference) -> String {
    let of = |change: &BudgetChange| budget_name(change.cause, &caption(change, difference));
    let name = of(change);
    let alike = difference
        .budgets
        .iter()
        .filter(|other| of(other) == name)
        .count();
    let unit = match alike {
        0 | 1 => String::new(),
        _ => format!(" ({})", change.unit),
    };
    let is = match (change.before, change.after) {
        (None, _) => " (new)",
        (_, None) => " (gone)",
        _ => "",
    };
    format!("{name}{unit}{is}")
}

/// Users as `top` names them: the column is narrow.
fn caption(change: &BudgetChange, difference: &Difference) -> String {
    let names = &difference.user_names;
    match &change.subject {
        Subject::User(user) if !user.is_initial() || names.of(user.uid).is_some() => {
            names.short(*user)
        }
        other => other.to_string(),
    }
}

fn limit_cell(change: &BudgetChange) -> Cell {
    let limit = |level: Option<Level>| level.and_then(|level| level.limit);
    let text = |limit| number::limit(limit, &change.unit);
    match (limit(change.before), limit(change.after)) {
        (Some(before), Some(after)) if before != after => {
            Cell::styled(style::BOLD, format!("{} to {}", text(before), text(after)))
        }
        (before, after) => Cell::new(after.or(before).map_or_else(|| "-".to_owned(), text)),
    }
}

fn signed(by: i64, unit: &str) -> Cell {
    let amount = match unit {
        "bytes" => amount::bytes(by.unsigned_abs()),
        _ => thousands(by.unsigned_abs()),
    };
    match by {
        0 => Cell::new("0"),
        1.. => Cell::styled(style::CULPRIT, format!("+{amount}")),
        _ => Cell::styled(style::pressure(0), format!("-{amount}")),
    }
}

fn holder_table(name: &'static str) -> Table {
    Table::default()
        .column("WATCHES", Align::Right)
        .column("NOW", Align::Right)
        .column("INSTANCES", Align::Right)
        .column("NOW", Align::Right)
        .names(name)
}

fn holder_cells(before: Pair<u64>, after: Pair<u64>) -> Vec<Cell> {
    vec![
        signed(minus(after.watches, before.watches), ""),
        Cell::new(thousands(after.watches)),
        signed(minus(after.instances, before.instances), ""),
        Cell::new(thousands(after.instances)),
    ]
}

fn workloads(page: &mut Page, difference: &Difference, options: &Options) {
    if difference.workloads.is_empty() {
        return;
    }
    page.heading("Workloads", &remark(difference.workloads.len(), options));
    let mut table = holder_table("WORKLOAD");
    for change in difference.workloads.iter().take(options.top) {
        let mut cells = holder_cells(change.before.holds, change.after.holds);
        let parts = match (change.before.parts, change.after.parts) {
            (0, _) => " (new)".to_owned(),
            (_, 0) => " (gone)".to_owned(),
            (before, after) if before != after => format!(" ({before} to {after} holders)"),
            _ => String::new(),
        };
        cells.push(Cell::new(format!("{}{parts}", change.workload)));
        table.row(cells);
    }
    page.table(&table);
}

fn processes(page: &mut Page, difference: &Difference, options: &Options) {
    if difference.processes.is_empty() {
        return;
    }
    page.heading("Processes", &remark(difference.processes.len(), options));
    let mut table = holder_table("PROCESS");
    for change in difference.processes.iter().take(options.top) {
        let mut cells = holder_cells(change.before, change.after);
        let who = format!("{} (pid {}), {}", change.comm, change.pid, change.workload);
        cells.push(Cell::new(who));
        table.row(cells);
    }
    page.table(&table);
}
