//! What helps where no rule of `check` knows better.

use super::report::ExplainedCause;
use crate::cause::Cause;
use crate::limits;
use crate::report::Remedy;

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
pub(super) fn afterwards(said: &ExplainedCause, named: Cause) -> Vec<Remedy> {
    let mut remedies = Vec::new();
    if !matches!(named, Cause::InotifyWatches | Cause::InotifyInstances) {
        return remedies;
    }
    let mut add = |command: &str, why: &str| {
        remedies.push(Remedy {
            command: command.to_owned(),
            why: why.to_owned(),
        });
    };
    let kind = |ids: &[&str]| {
        let known = |id: &str| ids.iter().any(|start| id.starts_with(start));
        said.kinds.iter().any(|k| known(&k.signature))
    };
    // "unknown service runtime.v1" is containerd without its CRI plugin, in the kubelet's words.
    if kind(&["containerd-cni", "cri-not-loaded"]) {
        add(
            "systemctl restart containerd",
            "it runs without its CRI plugin, and room in inotify does not fix that",
        );
    }
    if said
        .programs
        .iter()
        .any(|p| p == "kubelet" || p == "cAdvisor")
    {
        add(
            "systemctl restart kubelet",
            "only if it died: it fails at its start, never later",
        );
    }
    remedies
}
