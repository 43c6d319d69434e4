//! Open files of the whole system: ENFILE.

use super::pressure::{self, share};
use super::sysctl::LONG_MAX;
use super::{Command, Limit, Refusal, Sysctl, describe, errno::ENFILE, remedy};
use crate::attribute::View;
use crate::cause::Cause;
use crate::model::Program;
use crate::report::{Culprit, Finding};

/// How many processes are named.
const NAMED: usize = 5;

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
                resource.used,
                resource.limit,
                share(resource)
            );
            Finding {
                culprits: largest(view),
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

/// The processes with most descriptors.
fn largest(view: &View) -> Vec<Culprit> {
    let processes = view.snapshot.processes.iter();
    let mut processes: Vec<_> = processes.filter(|p| p.descriptors > 0).collect();
    processes.sort_by_key(|p| std::cmp::Reverse(p.descriptors));
    let largest = processes.iter().take(NAMED);
    largest
        .map(|p| {
            let held = describe::count(p.descriptors.into(), "descriptor", "descriptors");
            Culprit::with_amount(describe::process(view, p.pid), held)
        })
        .collect()
}
