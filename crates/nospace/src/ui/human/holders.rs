use nospace_core::model::{InotifyResource, Provenance};
use nospace_core::report::{Pod, PodContainer, PodPart, ProcessUse, Report};

use super::options::Options;
use super::owner;
use crate::ui::table::{Align, Cell, Table};
use crate::ui::{Page, cmdline, number};

/// Who holds instances and watches: pods, containers outside pods, processes.
pub fn draw(page: &mut Page, report: &Report, options: &Options) {
    pods(page, report, options);
    containers(page, report, options);
    processes(page, report, options);
}

fn heading(page: &mut Page, title: &str, all: usize, shown: usize, options: &Options) {
    let by = match options.order {
        InotifyResource::Instances => "by instances",
        InotifyResource::Watches => "by watches",
    };
    let remark = if shown < all {
        format!("{shown} of {all}, {by}")
    } else {
        by.to_owned()
    };
    page.heading(title, &remark);
}

fn pods(page: &mut Page, report: &Report, options: &Options) {
    let shown = top(&report.pods, options.top(report));
    if shown.is_empty() {
        return;
    }
    heading(page, "Pods", report.pods.len(), shown.len(), options);
    let mut table = figures(Table::default().names("POD")).names("BREAKDOWN");
    for pod in shown {
        table.row(vec![
            Cell::new(owner::pod(&pod.namespace, &pod.name, &pod.uid)),
            Cell::new(held(report, pod.instances)),
            Cell::new(held(report, pod.watches)),
            Cell::new(parts(report, pod, options.order)),
        ]);
    }
    page.table(&table);
}

/// The parts of a pod that hold something, with the figure that is sorted by.
fn parts(report: &Report, pod: &Pod, order: InotifyResource) -> String {
    let part = |c: &PodContainer| {
        let amount = match order {
            InotifyResource::Instances => c.instances,
            InotifyResource::Watches => c.watches,
        };
        let name = match c.part {
            PodPart::Container => owner::named(&c.name, &c.id),
            PodPart::Sandbox => "(sandbox)".to_owned(),
            PodPart::Shim => "(shim)".to_owned(),
        };
        (amount > 0).then(|| format!("{name} {}", held(report, amount)))
    };
    pod.containers
        .iter()
        .filter_map(part)
        .collect::<Vec<_>>()
        .join(", ")
}

fn containers(page: &mut Page, report: &Report, options: &Options) {
    let shown = top(&report.containers, options.top(report));
    if shown.is_empty() {
        return;
    }
    heading(
        page,
        "Containers outside pods",
        report.containers.len(),
        shown.len(),
        options,
    );
    let mut table = figures(Table::default().names("CONTAINER"));
    for one in shown {
        table.row(vec![
            Cell::new(owner::container(one.runtime, &one.id, one.name.as_deref())),
            Cell::new(held(report, one.instances)),
            Cell::new(held(report, one.watches)),
        ]);
    }
    page.table(&table);
}

fn processes(page: &mut Page, report: &Report, options: &Options) {
    let shown = top(&report.processes, options.top(report));
    if shown.is_empty() {
        return;
    }
    heading(
        page,
        "Processes",
        report.processes.len(),
        shown.len(),
        options,
    );
    let roomy = !page.is_narrow();
    let extra: Vec<Extra> = EXTRAS
        .into_iter()
        .filter(|_| roomy)
        .filter(|(_, of)| shown.iter().any(|p| of(p) > 0))
        .collect();
    let mut table = figures(
        Table::default()
            .column("PID", Align::Right)
            .names("PROCESS"),
    );
    for (title, _) in &extra {
        table = table.column(title, Align::Right);
    }
    table = table.names("OWNER");
    for process in shown {
        let mut row = vec![
            Cell::new(process.pid.to_string()),
            Cell::new(process.comm.as_str()),
            Cell::new(held(report, process.instances)),
            Cell::new(held(report, process.watches)),
        ];
        row.extend(
            extra
                .iter()
                .map(|(_, of)| Cell::new(some(report, of(process)))),
        );
        row.push(Cell::new(owner::owner(&process.owner)));
        table.row(row);
    }
    page.table_with(&table, |page, row| {
        cmdline::draw(page, shown[row].cmdline.as_deref(), options.verbose);
    });
}

type Extra = (&'static str, fn(&ProcessUse) -> u64);

/// Figures that are worth a column only where a process has them: instances that others hold too, and
/// instances that watch nothing.
const EXTRAS: [Extra; 2] = [
    ("SHARED", |p| p.shared_instances),
    ("EMPTY", |p| p.empty_instances),
];

fn some(report: &Report, value: u64) -> String {
    if value == 0 {
        String::new()
    } else {
        held(report, value)
    }
}

fn figures(table: Table) -> Table {
    table
        .column("INSTANCES", Align::Right)
        .column("WATCHES", Align::Right)
}

fn top<T>(all: &[T], n: usize) -> &[T] {
    &all[..all.len().min(n)]
}

/// Of what collector `inotify` counted, a figure as it is shown.
fn held(report: &Report, value: u64) -> String {
    number::figure(
        value,
        report.inotify_provenance().min(Provenance::Estimated),
    )
}
