//! Open files of the whole system: ENFILE.

use std::collections::BTreeMap;

use super::pressure::{self, share};
use super::sysctl::LONG_MAX;
use super::{Command, Limit, Refusal, Sysctl, blame, errno::ENFILE, remedy};
use crate::amount::thousands;
use crate::attribute::View;
use crate::cause::Cause;
use crate::model::Program;
use crate::report::Finding;

pub const LIMIT: Limit = Limit {
    // "One file with associated inode and dcache is very approximately 1K" (fs/file_table.c).
    sysctls: &[Sysctl {
        most: LONG_MAX,
        ..Sysctl::int(
            "fs.file-max",
            "the node",
            "raises how many files all processes together may open; root is not bound by it",
        )
        .costing(1_024)
    }],
    refusals: &[Refusal::any(ENFILE)],
    collector: Some("files"),
    usage: |snapshot| super::limit::read(snapshot, Cause::SystemFiles),
    findings,
    commands: &[Command::with(
        Program::Sysctl,
        "sysctl fs.file-nr fs.file-max",
        "allocated, free, maximum; raise fs.file-max",
    )],
    ..Limit::in_logs(
        Cause::SystemFiles,
        "The system has run out of open files (fs.file-max)",
        include_str!("../../../../docs/causes/system-files.md"),
    )
};

fn findings(view: &View) -> Vec<Finding> {
    pressure::pressed(view, Cause::SystemFiles)
        .map(|(resource, severity)| {
            let title = format!(
                "The system has {} of {} allowed files open (fs.file-max, {})",
                thousands(resource.used),
                thousands(resource.limit),
                share(resource)
            );
            Finding {
                blame: blame::of_processes(view, &descriptors(view), resource.limit, "descriptors"),
                victims: vec!["every process that does not run as root".to_owned()],
                ..pressure::finding(
                    (resource, severity),
                    title,
                    remedy::raise_sysctl(view, resource),
                )
            }
        })
        .collect()
}

/// The descriptors of each process. Several may share one file, so the files are not more than these.
fn descriptors(view: &View) -> BTreeMap<u32, u64> {
    let processes = view.snapshot.processes.iter();
    let open = processes.filter(|p| p.descriptors > 0);
    open.map(|p| (p.pid, u64::from(p.descriptors))).collect()
}
