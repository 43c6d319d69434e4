//! What helps where no rule of `check` knows better.

use super::report::ExplainedCause;
use crate::cause::Cause;
use crate::limits;
use crate::managers::NodeManager;
use crate::model::Runtime;
use crate::report::{Remedy, Report};

/// Commands that find or free what is short.
pub(super) fn for_cause(cause: Cause) -> Vec<Remedy> {
    let commands = limits::of(cause).commands.iter();
    commands
        .map(|(command, why)| Remedy {
            command: (*command).to_owned(),
            why: (*why).to_owned(),
        })
        .collect()
}

/// What has to be started again once there is room, of what the log tells of.
pub(super) fn afterwards(
    said: &ExplainedCause,
    named: Cause,
    report: Option<&Report>,
) -> Vec<Remedy> {
    let mut remedies = Vec::new();
    if !matches!(named, Cause::InotifyWatches | Cause::InotifyInstances) {
        return remedies;
    }
    let manager = report.and_then(manager);
    let mut add = |command: Option<String>, why: &str| {
        remedies.extend(command.map(|command| Remedy {
            command,
            why: why.to_owned(),
        }));
    };
    let kind = |ids: &[&str]| {
        let known = |id: &str| ids.iter().any(|start| id.starts_with(start));
        said.kinds.iter().any(|k| known(&k.signature))
    };
    // "unknown service runtime.v1" is containerd without its CRI plugin, in the kubelet's words.
    if kind(&["containerd-cni", "cri-not-loaded"]) {
        add(
            manager.map_or_else(
                || Some(Runtime::Containerd.definition()?.restart?.to_owned()),
                |manager| manager.restart_runtime(Runtime::Containerd),
            ),
            "it runs without its CRI plugin, and room in inotify does not fix that",
        );
    }
    if said
        .programs
        .iter()
        .any(|p| p == "kubelet" || p == "cAdvisor")
    {
        add(
            manager.map_or_else(
                || Some("systemctl restart kubelet".to_owned()),
                |manager| manager.restart_kubelet(),
            ),
            "only if it died: it fails at its start, never later",
        );
    }
    remedies
}

/// The manager of the node that was looked at, by the kubelet that runs there.
fn manager(report: &Report) -> Option<NodeManager<'_>> {
    let kubelet = report.forecast.kubelet_start.as_ref()?.kubelet_pid?;
    let mut processes = report.processes.iter();
    let process = processes.find(|process| process.pid == kubelet)?;
    NodeManager::of(&process.comm, &process.owner, &[], None)
}
