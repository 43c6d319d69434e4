//! What an argument on the command line means: a pid, a pod, or a container.

use std::collections::BTreeSet;

use anyhow::bail;
use nospace_core::report::{ProcessUse, Report};
use nospace_core::select::Selection;

/// Names and pids that an error lists at most.
const MAX_HINTS: usize = 3;

/// The processes of `report` that any of `arguments` names, in its order; all when there are none.
///
/// # Errors
///
/// An argument matches nothing that holds an inotify instance.
pub fn processes(report: &Report, arguments: &[String]) -> anyhow::Result<Vec<ProcessUse>> {
    let mut kept = BTreeSet::new();
    for argument in arguments {
        kept.extend(pids(report, argument)?);
    }
    let all = report.processes.iter();
    Ok(all
        .filter(|process| arguments.is_empty() || kept.contains(&process.pid))
        .cloned()
        .collect())
}

fn pids(report: &Report, argument: &str) -> anyhow::Result<Vec<u32>> {
    let pid: Option<u32> = argument.parse().ok();
    let only = || vec![argument.to_owned()];
    let readings = [
        pid.map(|pid| Selection {
            pids: vec![pid],
            ..Selection::default()
        }),
        Some(Selection {
            pods: only(),
            ..Selection::default()
        }),
        Some(Selection {
            containers: only(),
            ..Selection::default()
        }),
    ];
    for reading in readings.iter().flatten() {
        let all = report.processes.iter();
        let pids: Vec<u32> = all
            .filter(|process| reading.has(process.pid, &process.owner))
            .map(|process| process.pid)
            .collect();
        if !pids.is_empty() {
            return Ok(pids);
        }
    }
    if let Some(pid) = pid {
        bail!(
            "process {pid} has no inotify instance, has exited, or cannot be inspected (run as root)"
        );
    }
    bail!(
        "{argument:?} matches no pod or container with an inotify instance{}",
        hint(report, argument)
    );
}

/// Processes of that name, or pods and containers whose names are similar.
fn hint(report: &Report, argument: &str) -> String {
    let comms = report.processes.iter().filter(|p| p.comm == argument);
    let pids: Vec<String> = comms.map(|p| p.pid.to_string()).take(MAX_HINTS).collect();
    if let Some(first) = pids.first() {
        let pids = pids.join(", ");
        return format!("; processes of that name: {pids} (try: nospace watches {first})");
    }
    let part = argument.rsplit('/').next().unwrap_or(argument);
    let pods = report.pods.iter();
    let pods = pods.map(|pod| format!("{}/{}", pod.namespace, pod.name));
    let containers = report.containers.iter();
    let containers = containers.filter_map(|container| container.name.clone());
    let similar: BTreeSet<String> = pods
        .chain(containers)
        .filter(|name| name.contains(part))
        .collect();
    let similar: Vec<String> = similar.into_iter().take(MAX_HINTS).collect();
    if similar.is_empty() {
        return String::new();
    }
    format!("; similar names: {}", similar.join(", "))
}
