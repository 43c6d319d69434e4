//! The open files of the whole system: ENFILE.

use super::pressure::{self, share};
use super::remedy;
use crate::attribute::View;
use crate::cause::Cause;
use crate::report::Finding;

pub fn find(view: &View) -> Vec<Finding> {
    pressure::pressed(view, Cause::SystemFiles)
        .map(|(resource, severity)| {
            let title = format!(
                "The system has {} of {} files open that it may have ({})",
                resource.used,
                resource.limit,
                share(resource)
            );
            let value = remedy::roomy(resource.used, resource.limit, 0, i64::MAX as u64);
            let remedies = value.map(|value| {
                let why = "raises what all processes together may open; root is not bound by it";
                remedy::sysctl(view, "fs.file-max", &value.to_string(), why)
            });
            Finding {
                culprits: largest(view),
                victims: vec!["every process that is not root's".to_owned()],
                ..pressure::finding(
                    "system-files",
                    (resource, severity),
                    title,
                    remedies.unwrap_or_default(),
                )
            }
        })
        .collect()
}

/// The processes with most descriptors.
fn largest(view: &View) -> Vec<String> {
    let processes = view.snapshot.processes.iter();
    let mut processes: Vec<_> = processes.filter(|p| p.descriptors > 0).collect();
    processes.sort_by_key(|p| std::cmp::Reverse(p.descriptors));
    processes
        .iter()
        .take(5)
        .map(|p| {
            let name = super::words::process(view, p.pid);
            format!("{name}: {} descriptors", p.descriptors)
        })
        .collect()
}
