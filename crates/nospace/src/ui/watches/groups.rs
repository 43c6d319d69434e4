use nospace_core::amount::thousands;
use nospace_core::watches::WatchesReport;

use super::options::Options;
use super::words::{figure, share};
use crate::ui::human::owner;
use crate::ui::table::{Align, Cell, Table};
use crate::ui::{Page, cmdline, number};

/// File systems.
pub fn mounts(page: &mut Page, report: &WatchesReport, options: &Options) {
    let shown = report.devices.iter().take(options.top());
    page.heading("By mount", &remark(report.devices.len(), options));
    let mut table = Table::default()
        .column("WATCHES", Align::Right)
        .column("SHARE", Align::Right)
        .column("TYPE", Align::Left)
        .column("DEVICE", Align::Right)
        .names("MOUNTED ON");
    for device in shown {
        let only_there = "(only in the holder's mount namespace)";
        table.row(vec![
            Cell::new(thousands(device.watches)),
            Cell::new(share(report, device.watches)),
            Cell::new(device.file_system.as_deref().unwrap_or(number::UNKNOWN)),
            Cell::new(device.device.as_str()),
            Cell::new(device.mount_point.as_deref().unwrap_or(only_there)),
        ]);
    }
    page.table(&table);
}

/// Processes.
pub fn holders(page: &mut Page, report: &WatchesReport, options: &Options) {
    let shown = report.holders.iter().take(options.top());
    page.heading("By process", &remark(report.holders.len(), options));
    let mut table = Table::default()
        .column("WATCHES", Align::Right)
        .column("INSTANCES", Align::Right)
        .column("PID", Align::Right)
        .names("PROCESS")
        .names("OWNER");
    for process in shown {
        table.row(vec![
            Cell::new(figure(report, process.watches)),
            Cell::new(figure(report, process.instances)),
            Cell::new(process.pid.to_string()),
            Cell::new(process.comm.as_str()),
            Cell::new(owner(&process.owner)),
        ]);
    }
    page.table_with(&table, |page, row| {
        cmdline::draw(
            page,
            report.holders[row].cmdline.as_deref(),
            options.verbose,
        );
    });
}

fn remark(all: usize, options: &Options) -> String {
    if all > options.top() {
        format!("{} of {all}", options.top())
    } else {
        String::new()
    }
}
