use std::collections::{BTreeMap, BTreeSet};

use nospace_core::amount::thousands;
use nospace_core::model::Provenance;
use nospace_core::watches::{Event, MarkKind, NamedMark, PathState, WatchesReport};

use super::list::holder;
use super::options::Options;
use crate::ui::human::owner;
use crate::ui::table::{Align, Cell, Table};
use crate::ui::{Line, Page, number, style};

/// fanotify's marks: each one, or by process where they are many.
pub fn draw(page: &mut Page, report: &WatchesReport, options: &Options, each: bool) {
    if report.groups.is_empty() {
        return;
    }
    let run = report.collectors.iter().find(|run| run.name == "marks");
    let trust = match run {
        Some(run) if !run.partial => Provenance::Exact,
        _ => Provenance::Estimated,
    };
    let processes: BTreeSet<u32> = report
        .groups
        .iter()
        .filter_map(|group| group.holders.first().map(|holder| holder.pid))
        .collect();
    let said = format!(
        "{} in {} of {}",
        number::quantity(report.marks.len() as u64, trust, "mark", "marks"),
        number::count(report.groups.len() as u64, "group", "groups"),
        number::count(processes.len() as u64, "process", "processes")
    );
    page.heading("fanotify", &said);
    if each {
        list(page, report);
    } else {
        by_process(page, report, options);
    }
}

fn list(page: &mut Page, report: &WatchesReport) {
    for (at, group) in report.groups.iter().enumerate() {
        let who: Vec<String> = group.holders.iter().map(holder).collect();
        page.add(page.indented().put(style::BOLD, &who.join(", ")));
        let marks = report.marks.iter();
        for mark in marks.filter(|mark| mark.group as usize == at) {
            page.add(line(page, mark));
        }
    }
}

fn line(page: &Page, mark: &NamedMark) -> Line {
    let path = mark.host_path.as_deref().unwrap_or("?");
    let line = page.indented().plain("  ").plain(path);
    let line = match &mark.container_path {
        Some(path) => line.plain("  ").put(style::CULPRIT, path),
        None => line,
    };
    let line = match mark.state {
        Some(PathState::Present) | None => line,
        Some(state) => line.put(style::BOLD, &format!("  ({})", state.word())),
    };
    let number = mark.number.map(|number| format!(" {number}"));
    let device = mark.device.map(|device| format!(" on {device}"));
    let events = match (&mark.mask[..], &mark.ignored[..]) {
        (mask, []) => Event::words(mask),
        ([], ignored) => format!("ignores {}", Event::words(ignored)),
        (mask, ignored) => {
            format!("{}, ignores {}", Event::words(mask), Event::words(ignored))
        }
    };
    line.put(
        style::DIM,
        &format!(
            "  {}{}{}: {events}",
            mark.kind.words(),
            number.unwrap_or_default(),
            device.unwrap_or_default()
        ),
    )
}

fn by_process(page: &mut Page, report: &WatchesReport, options: &Options) {
    let mut kinds: BTreeMap<u32, BTreeMap<MarkKind, u64>> = BTreeMap::new();
    for mark in &report.marks {
        let of_group = kinds.entry(mark.group).or_default();
        *of_group.entry(mark.kind).or_default() += 1;
    }
    let mut table = Table::default()
        .column("MARKS", Align::Right)
        .names("ON")
        .column("PID", Align::Right)
        .column("FD", Align::Right)
        .names("PROCESS")
        .names("OWNER");
    let mut groups: Vec<_> = report.groups.iter().zip(0_u32..).collect();
    groups.sort_by_key(|(group, _)| std::cmp::Reverse(group.marks));
    for (group, at) in groups.into_iter().take(options.top()) {
        let kinds = kinds.remove(&at).unwrap_or_default().into_iter();
        let on: Vec<String> = kinds
            .map(|(kind, marks)| format!("{} {}", thousands(marks), kind.words()))
            .collect();
        let Some(first) = group.holders.first() else {
            continue;
        };
        table.row(vec![
            Cell::new(thousands(group.marks)),
            Cell::new(on.join(", ")),
            Cell::new(first.pid.to_string()),
            Cell::new(first.fd.to_string()),
            Cell::new(first.comm.as_str()),
            Cell::new(owner(&first.owner)),
        ]);
    }
    page.table(&table);
}
