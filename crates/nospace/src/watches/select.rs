//! What the words on the command line mean: a pid, a pod, or a container.

use std::collections::BTreeSet;

use anyhow::bail;
use nospace_core::report::{ProcessUse, Report};
use nospace_core::select::Selection;

/// The processes of `report` that any of `wanted` names, in its order; all when it is empty.
pub fn processes(report: &Report, wanted: &[String]) -> anyhow::Result<Vec<ProcessUse>> {
    let mut kept = BTreeSet::new();
    for word in wanted {
        kept.extend(pids(report, word)?);
    }
    let all = report.processes.iter();
    Ok(all
        .filter(|process| wanted.is_empty() || kept.contains(&process.pid))
        .cloned()
        .collect())
}

fn pids(report: &Report, word: &str) -> anyhow::Result<Vec<u32>> {
    let words = || vec![word.to_owned()];
    let mut readings = vec![
        Selection {
            pods: words(),
            ..Selection::default()
        },
        Selection {
            containers: words(),
            ..Selection::default()
        },
    ];
    if let Ok(pid) = word.parse() {
        let pids = vec![pid];
        readings.insert(
            0,
            Selection {
                pids,
                ..Selection::default()
            },
        );
    }
    let mut refusals = Vec::new();
    for reading in readings {
        let mut part = report.clone();
        match reading.apply(&mut part) {
            Ok(()) => return Ok(part.processes.iter().map(|process| process.pid).collect()),
            Err(nothing) => refusals.push(nothing.to_string()),
        }
    }
    if word.parse::<u32>().is_ok() {
        refusals.truncate(1);
    }
    bail!("{}", refusals.join(", and "))
}
