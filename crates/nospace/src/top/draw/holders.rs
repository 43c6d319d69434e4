use nospace_core::model::Provenance;
use nospace_core::report::Report;

use super::canvas::Canvas;
use super::columns::{Column, Columns};
use super::figures::{change, refusal};
use super::frame::tracing;
use crate::top::holders::{Grouping, Key, Row, SortKey};
use crate::top::state::{Shown, State};
use crate::ui::{Line, number, style, text};

const OWNER: Column = Column::names("POD / UNIT", 18, 4);
const GROUP: Column = Column::names("WORKLOAD", 18, 4);
const MEMBERS: Column = Column::names("POD / UNIT", 18, 3).optional(5);
const WORKLOAD: Column = Column::names("WORKLOAD", 18, 3).optional(5);
const PROGRAM: Column = Column::names("PROGRAM", 12, 1);
const COMMAND: Column = Column::names("COMMAND", 16, 16);
const PID: Column = Column::figures("PID", 7).optional(3);
const PROCESSES: Column = Column::figures("PROCS", 7).optional(3);
const USER: Column = Column::names("USER", 8, 2).optional(4);
const INSTANCES: Column = Column::figures("INSTANCES", 9);
const WATCHES: Column = Column::figures("WATCHES", 9);
const CHANGE: Column = Column::figures("CHANGE/MIN", 10).optional(2);
const INSTANCES_CHANGE: Column = Column::figures("INSTANCES/MIN", 13).optional(6);
const REFUSED: Column = Column::names("LAST REFUSAL", 12, 4).optional(1);

/// The table of holders.
pub fn draw(canvas: &mut Canvas<'_>, state: &State) -> Shown {
    canvas.line(&heading(canvas, state));
    let choice = &state.choice;
    let count = match choice.grouping {
        Grouping::Process => PID,
        _ => PROCESSES,
    };
    let (first_column, second_column) = match choice.grouping {
        Grouping::Workload => (GROUP, MEMBERS),
        _ => (OWNER, WORKLOAD),
    };
    let program = match (choice.cmdlines, choice.grouping) {
        (true, Grouping::Process) => COMMAND,
        _ => PROGRAM,
    };
    let all = [
        first_column,
        second_column,
        program,
        count,
        USER,
        INSTANCES,
        WATCHES,
        CHANGE,
        INSTANCES_CHANGE,
        REFUSED,
    ];
    let columns = Columns::fit(&all, canvas.width(), canvas.look.charset);
    let sorted = match choice.sort {
        SortKey::Watches => WATCHES.title,
        SortKey::Instances => INSTANCES.title,
        SortKey::Rate => CHANGE.title,
        SortKey::Refusal => REFUSED.title,
        SortKey::Name => first_column.title,
    };
    canvas.line(&columns.headings(sorted));
    let shown = Shown {
        rows: canvas.height(),
        lines: state.rows.len(),
    };
    if state.rows.is_empty() {
        let report = state.data().sample.as_ref().map(|sample| &sample.report);
        let says = match state.all_rows {
            0 if report.is_none_or(Report::is_blind) => "holders are not visible: run as root",
            0 if report.is_some_and(|report| !report.unseen.is_empty()) => {
                "no process that nospace can see holds an inotify instance"
            }
            0 => "no process holds an inotify instance",
            _ => "no holder matches the filter (Esc removes it)",
        };
        canvas.line(&Line::new(canvas.look.charset).put(style::DIM, says));
        return shown;
    }
    let selected = state.selected();
    let first = first(selected, shown.rows);
    for (at, row) in state.rows.iter().enumerate().skip(first).take(shown.rows) {
        let line = cells(&columns, row, state);
        if at == selected {
            canvas.chosen(&line);
        } else {
            canvas.line(&line);
        }
    }
    shown
}

/// The first row of the screenful that `selected` is on.
pub fn first(selected: usize, rows: usize) -> usize {
    selected - selected.checked_rem(rows).unwrap_or(0)
}

fn heading(canvas: &Canvas<'_>, state: &State) -> Line {
    let choice = &state.choice;
    let shown = match state.rows.len() == state.all_rows {
        true => state.all_rows.to_string(),
        false => format!("{} of {}", state.rows.len(), state.all_rows),
    };
    let remark = format!(
        "{shown}, by {}, sorted by {}{}",
        choice.grouping.word(),
        choice.sort.word(),
        if choice.reversed { ", reversed" } else { "" },
    );
    let charset = canvas.look.charset;
    let line = Line::new(charset).put(style::BOLD, "Holders").plain("  ");
    let room = canvas.width().saturating_sub(line.width());
    let remark = match tracing(state) {
        None => remark,
        Some(why) => match charset.clean(&format!("{remark}; {why}")).into_owned() {
            whole if text::width(&whole) <= room => whole,
            // The view of refused calls has the reason.
            _ => format!("{remark}; {}", why.split(": ").next().unwrap_or(&why)),
        },
    };
    let remark = text::shorten(&charset.clean(&remark), room, charset);
    line.put(style::DIM, &remark)
}

fn cells(columns: &Columns, row: &Row, state: &State) -> Line {
    let sample = state.data().sample.as_ref();
    let provenance = sample.map_or(Provenance::Unavailable, |sample| {
        sample.report.inotify_provenance()
    });
    let provenance = provenance.min(Provenance::Estimated);
    let now = sample.map_or(0.0, |sample| sample.seconds);
    let count = match &row.key {
        Key::Process(pid) => pid.to_string(),
        _ => row.pids.len().to_string(),
    };
    let watches = change(
        row.per_minute.map(|rate| rate.watches),
        "watches",
        provenance,
    );
    let instances = change(
        row.per_minute.map(|rate| rate.instances),
        "instances",
        provenance,
    );
    let (first, second) = match state.choice.grouping {
        Grouping::Workload => (&row.workload, &row.owner),
        _ => (&row.owner, &row.workload),
    };
    columns.row([
        (style::PLAIN, first.clone()),
        (style::PLAIN, second.clone()),
        (
            style::BOLD,
            row.cmdline.as_ref().unwrap_or(&row.program).clone(),
        ),
        (style::PLAIN, count),
        (style::PLAIN, row.user.clone()),
        (style::PLAIN, number::figure(row.held.instances, provenance)),
        (style::PLAIN, number::figure(row.held.watches, provenance)),
        watches,
        instances,
        refusal(row.refused.as_ref(), now, columns.width(REFUSED.title)),
    ])
}
