//! What an argument on the command line means: a pid, a pod, a container, or a program.

use std::collections::BTreeSet;

use anyhow::bail;
use nospace_core::report::{ProcessUse, Report};
use nospace_core::select::{Selection, is_program, similar};

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
    let container = Selection {
        containers: only(),
        ..Selection::default()
    };
    let of = |is: &dyn Fn(&ProcessUse) -> bool| -> Vec<u32> {
        let kept = report.processes.iter().filter(|process| is(process));
        kept.map(|process| process.pid).collect()
    };
    let pod = Selection {
        pods: only(),
        ..Selection::default()
    };
    // A container often has the name of its program, which can also run outside of it.
    let readings: [&dyn Fn(&ProcessUse) -> bool; 3] = [
        &|process| pid == Some(process.pid),
        &|process| pod.has(process.pid, &process.owner),
        &|process| {
            container.has(process.pid, &process.owner) || is_program(argument, &process.comm)
        },
    ];
    let found = readings.iter().map(|is| of(is));
    if let Some(pids) = found.into_iter().find(|pids| !pids.is_empty()) {
        return Ok(pids);
    }
    if let Some(pid) = pid {
        bail!(
            "process {pid} has no inotify instance, has exited, or cannot be inspected (run as root)"
        );
    }
    bail!(
        "{argument:?} matches no pod, container or program with an inotify instance{}",
        hint(report, argument)
    );
}

/// Pods, containers and programs with similar names.
fn hint(report: &Report, argument: &str) -> String {
    let pods = report.pods.iter();
    let pods = pods.map(|pod| format!("{}/{}", pod.namespace, pod.name));
    let of_pods = report.pods.iter().flat_map(|pod| &pod.containers);
    let of_pods = of_pods.map(|container| container.name.clone());
    let containers = report.containers.iter();
    let containers = containers.filter_map(|container| container.name.clone());
    let programs = report.processes.iter().map(|process| process.comm.clone());
    let names: BTreeSet<String> = pods
        .chain(of_pods)
        .chain(containers)
        .chain(programs)
        .collect();
    match &similar(argument, &names)[..] {
        [] => String::new(),
        similar => format!("; similar names: {}", similar.join(", ")),
    }
}
