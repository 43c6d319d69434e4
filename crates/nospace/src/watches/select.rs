//! What an argument on the command line means: a pid, a pod, a container, or a program.

use std::collections::{BTreeSet, HashSet};

use anyhow::bail;
use nospace_core::report::{Owner, Report};
use nospace_core::select::{Selection, is_program, similar};

/// A process that can be asked for.
pub struct Candidate {
    pub pid: u32,
    pub comm: String,
    pub owner: Owner,
}

/// The pids of `candidates` that any of `arguments` names; all when there are none.
///
/// # Errors
///
/// An argument matches nothing that holds an inotify instance or a fanotify group.
pub fn pids(
    report: &Report,
    candidates: &[Candidate],
    arguments: &[String],
) -> anyhow::Result<HashSet<u32>> {
    if arguments.is_empty() {
        return Ok(candidates.iter().map(|process| process.pid).collect());
    }
    let mut kept = HashSet::new();
    for argument in arguments {
        kept.extend(named(report, candidates, argument)?);
    }
    Ok(kept)
}

fn named(report: &Report, candidates: &[Candidate], argument: &str) -> anyhow::Result<Vec<u32>> {
    let pid: Option<u32> = argument.parse().ok();
    let only = || vec![argument.to_owned()];
    let container = Selection {
        containers: only(),
        ..Selection::default()
    };
    let of = |is: &dyn Fn(&Candidate) -> bool| -> Vec<u32> {
        let kept = candidates.iter().filter(|process| is(process));
        kept.map(|process| process.pid).collect()
    };
    let pod = Selection {
        pods: only(),
        ..Selection::default()
    };
    // A container often has the name of its program, which can also run outside of it.
    let readings: [&dyn Fn(&Candidate) -> bool; 3] = [
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
            "process {pid} has no inotify instance and no fanotify group, has exited, or cannot be inspected (run as root)"
        );
    }
    bail!(
        "{argument:?} matches no pod, container or program with an inotify instance or a fanotify group{}",
        hint(report, candidates, argument)
    );
}

/// Pods, containers and programs with similar names.
fn hint(report: &Report, candidates: &[Candidate], argument: &str) -> String {
    let pods = report.pods.iter();
    let pods = pods.map(|pod| format!("{}/{}", pod.namespace, pod.name));
    let of_pods = report.pods.iter().flat_map(|pod| &pod.containers);
    let of_pods = of_pods.map(|container| container.name.clone());
    let containers = report.containers.iter();
    let containers = containers.filter_map(|container| container.name.clone());
    let programs = candidates.iter().map(|process| process.comm.clone());
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
