use nospace_core::amount::thousands;
use nospace_core::fleet::{Fleet, Row, Summary};
use nospace_core::report::{Severity, StartVerdict};

use super::words;
use crate::ui::human::word;
use crate::ui::screen::Screen;
use crate::ui::table::{Align, Cell, Table};
use crate::ui::{Charset, Page, style};

/// Rows of nodes that are well, unless all were asked for.
const WELL: usize = 10;
/// Rows of others.
const NOT_WELL: usize = 60;
/// Nodes named below a finding.
const NAMED: usize = 5;
/// Page width from which on who holds is a column, and not a line below.
const WIDE: usize = 130;
/// Page width from which on pools are shown.
const POOLS: usize = 100;
/// Columns before the text of a finding.
const SEVERITY: usize = 10;

/// How a fleet is shown.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Where.
    pub screen: Screen,
    /// Workloads at most.
    pub top: usize,
    /// Every node, workload and line of evidence.
    pub verbose: bool,
}

/// Draws it.
#[must_use]
pub fn draw(fleet: &Fleet, options: &Options) -> Page {
    let mut page = Page::new(options.screen.width, options.screen.charset);
    let line = page
        .line()
        .put(style::BOLD, "nospace cluster: ")
        .put(style::status(fleet.status), word(fleet.status))
        .plain(" ");
    page.wrapped(line, style::PLAIN, &words::answer(fleet));
    page.wrapped(page.line(), style::DIM, &words::origin(fleet));
    for note in &fleet.origin.notes {
        let line = page.line().put(style::severity(Severity::Warning), "NOTE ");
        let (text, command) = note.split_once('\n').unwrap_or((note, ""));
        page.wrapped(line, style::PLAIN, text);
        if !command.is_empty() {
            // In one piece, so that it can be copied.
            page.add(page.indented().plain(command));
        }
    }
    nodes(&mut page, fleet, options);
    findings(&mut page, fleet, options);
    workloads(&mut page, fleet, options);
    page
}

fn nodes(page: &mut Page, fleet: &Fleet, options: &Options) {
    let is_well = |row: &&Row| row.state.is_well();
    let (well, others) = match options.verbose {
        true => (usize::MAX, usize::MAX),
        false => (WELL, NOT_WELL),
    };
    let shown: Vec<&Row> = fleet
        .rows
        .iter()
        .filter(|row| !is_well(row))
        .take(others)
        .chain(fleet.rows.iter().filter(is_well).take(well))
        .collect();
    let domain = words::domain(fleet);
    let names = (!domain.is_empty()).then(|| format!("names without {domain}"));
    let remarks: Vec<String> = words::listed(fleet).into_iter().chain(names).collect();
    if shown.is_empty() && remarks.is_empty() {
        return;
    }
    page.heading("Nodes", &remarks.join("; "));
    if shown.is_empty() {
        return;
    }
    let is_wide = page.width >= WIDE;
    let table = table(page, &shown, domain, is_wide);
    page.table_with(&table, |page, at| {
        let remark = shown.get(at).map(|row| words::remark(row));
        if let Some(remark) = remark.filter(|remark| !is_wide && !remark.is_empty()) {
            page.wrapped(page.line().pad_to(2 * page.indent()), style::DIM, &remark);
        }
    });
    if let Some(more @ 1..) = fleet.rows.len().checked_sub(shown.len()) {
        let line = page.indented();
        let more = format!("and {} more; -v lists them", thousands(more as u64));
        page.add(line.put(style::DIM, &more));
    }
}

fn table(page: &Page, rows: &[&Row], domain: &str, is_wide: bool) -> Table {
    let has_pools = page.width >= POOLS && rows.iter().any(|row| row.pool.is_some());
    let mut table = Table::default().column("STATE", Align::Left).names("NODE");
    if has_pools {
        table = table.names("POOL");
    }
    table = table
        .names("FULLEST")
        .column("", Align::Right)
        .column("KUBELET", Align::Left)
        .column("+PODS", Align::Right)
        .column("CHECKED", Align::Right);
    if is_wide {
        table = table.names("HELD BY, OR WHY UNKNOWN");
    }
    for row in rows {
        let summary = row.summary();
        let fullest = summary.and_then(Summary::fullest);
        let percent = fullest.map_or(Cell::default(), |budget| {
            let percent = budget.percent();
            Cell::styled(style::pressure(percent), format!("{percent} %"))
        });
        let mut cells = vec![
            Cell::styled(style::status(row.state), words::state(row)),
            Cell::new(row.node.strip_suffix(domain).unwrap_or(&row.node)),
        ];
        if has_pools {
            cells.push(Cell::new(row.pool.as_ref().map_or("", |pool| &pool.name)));
        }
        cells.extend([
            Cell::new(fullest.map(words::short_budget).unwrap_or_default()),
            percent,
            kubelet(row),
            Cell::new(ascii(page.charset, words::more_pods(row))),
            Cell::new(words::age(row)),
        ]);
        if is_wide {
            cells.push(Cell::new(words::remark(row)));
        }
        table.row(cells);
    }
    table
}

fn kubelet(row: &Row) -> Cell {
    let style = match words::kubelet_start(row) {
        Some(StartVerdict::Fails) => style::severity(Severity::Critical),
        Some(StartVerdict::Barely) => style::severity(Severity::Warning),
        _ => style::PLAIN,
    };
    Cell::styled(style, words::kubelet(row))
}

/// Signs that a rescue console lacks.
fn ascii(charset: Charset, text: String) -> String {
    match charset {
        Charset::Unicode => text,
        Charset::Ascii => text.replace('≤', "<=").replace('≥', ">="),
    }
}

fn findings(page: &mut Page, fleet: &Fleet, options: &Options) {
    if fleet.findings.is_empty() {
        return;
    }
    page.heading("Findings of several nodes", "");
    for finding in &fleet.findings {
        let line = page
            .indented()
            .put(style::severity(finding.severity), words::label(finding))
            .pad_to(2 + SEVERITY);
        page.wrapped(line, style::PLAIN, &finding.title);
        let named = if options.verbose { usize::MAX } else { NAMED };
        let details = || page.line().pad_to(2 + SEVERITY);
        let (names, evidence) = (details(), details());
        page.wrapped(
            names,
            style::DIM,
            &words::named(finding, named, words::domain(fleet)),
        );
        let lines = if options.verbose { usize::MAX } else { 3 };
        for one in finding.evidence.iter().take(lines) {
            page.wrapped(evidence.clone(), style::DIM, one);
        }
    }
}

fn workloads(page: &mut Page, fleet: &Fleet, options: &Options) {
    if fleet.workloads.is_empty() {
        return;
    }
    let domain = words::domain(fleet);
    page.heading("Workloads", &format!("sums {}", words::reach(fleet.counts)));
    let mut table = Table::default()
        .names("WORKLOAD")
        .column("INSTANCES", Align::Right)
        .column("WATCHES", Align::Right)
        .column("NODES", Align::Right)
        .names("MOST ON");
    let top = if options.verbose {
        usize::MAX
    } else {
        options.top
    };
    for cost in fleet.workloads.iter().take(top) {
        let sum = |value| ascii(page.charset, words::sum(cost, value));
        table.row(vec![
            Cell::new(cost.workload.to_string()),
            Cell::new(sum(cost.instances)),
            Cell::new(sum(cost.watches)),
            Cell::new(thousands(cost.nodes)),
            Cell::new(cost.most_on.strip_suffix(domain).unwrap_or(&cost.most_on)),
        ]);
    }
    page.table(&table);
}
