//! Pseudoterminals: ENOSPC from open(2) of /dev/ptmx.

use super::pressure::{self, at_limit, share};
use super::{Command, Limit, Place, Refusal, Sysctl, errno::ENOSPC, limit, remedy, suggest_limit};
use crate::amount::thousands;
use crate::attribute::View;
use crate::cause::Cause;
use crate::model::Program;
use crate::report::{Finding, Remedy, Resource, Severity, Subject};

/// `NR_UNIX98_PTY_MAX` (include/linux/tty.h): there are no more minor numbers.
const MOST: u64 = 1 << 20;

pub const LIMIT: Limit = Limit {
    sysctls: &[
        Sysctl {
            most: MOST,
            floor: 4_096,
            ..Sysctl::int(
                "kernel.pty.max",
                "the node",
                "raises how many pseudoterminals the node may have",
            )
        },
        Sysctl::watched("kernel.pty.reserve", "the host's own devpts"),
    ],
    refusals: &[
        Refusal::of("open", ENOSPC).at(Place::Ptmx),
        Refusal::of("openat", ENOSPC).at(Place::Ptmx),
    ],
    collector: Some("ptys"),
    usage: |snapshot| limit::read(snapshot, Cause::Ptys),
    sysctl_of,
    findings,
    commands: &[
        Command::with(
            Program::Sysctl,
            "sysctl kernel.pty.nr kernel.pty.max kernel.pty.reserve",
            "in use, the limit, and what of it only the host may use; raise kernel.pty.max",
        ),
        Command::any(
            "ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c ptmx",
            "open pseudoterminals; programs that never close theirs leak them",
        ),
    ],
    ..Limit::in_logs(
        Cause::Ptys,
        "The node has run out of pseudoterminals; no disk is full",
        include_str!("../../../../docs/causes/ptys.md"),
    )
};

/// A devpts mounted with `max=` has a limit of its own.
fn sysctl_of(resource: &Resource) -> Option<&'static str> {
    match resource.subject {
        Subject::Mount(_) => None,
        _ => Some("kernel.pty.max"),
    }
}

fn findings(view: &View) -> Vec<Finding> {
    pressure::pressed(view, Cause::Ptys)
        .map(|(resource, severity)| {
            let title = format!(
                "{} of {} pseudoterminals are in use ({}, {}): {}opening /dev/ptmx fails with \"no space left on device\"",
                thousands(resource.used),
                thousands(resource.limit),
                resource.subject,
                share(resource),
                at_limit(resource)
            );
            Finding {
                severity: matters(view, resource, severity),
                victims: vec![victims(resource).to_owned()],
                ..pressure::finding((resource, severity), title, remedies(view, resource))
            }
        })
        .collect()
}

/// What containers may not use is no trouble where there are none.
fn matters(view: &View, resource: &Resource, severity: Severity) -> Severity {
    let of_containers = matches!(resource.subject, Subject::SysctlField { .. });
    let containers = &view.snapshot.containers;
    if of_containers && containers.bundles.is_empty() && containers.pod_logs.is_empty() {
        Severity::Info
    } else {
        severity
    }
}

fn victims(resource: &Resource) -> &'static str {
    match resource.subject {
        Subject::Mount(_) => "new terminals of processes that use this devpts",
        Subject::SysctlField { .. } => "kubectl exec -it, docker exec -it and sshd in containers",
        _ => "new terminals: ssh, sudo, tmux, kubectl exec -it",
    }
}

fn remedies(view: &View, resource: &Resource) -> Vec<Remedy> {
    let mut remedies = remedy::raise_sysctl(view, resource);
    if let Subject::Mount(mountpoint) = &resource.subject {
        let value = suggest_limit(resource.used, resource.limit, 0, MOST);
        remedies.extend(value.zip(remedy::quote(mountpoint)).map(|(value, place)| {
            remedy::remedy(
                format!("mount -o remount,max={value} {place}"),
                "Takes effect at once, until it is mounted anew.",
            )
        }));
    }
    remedies.push(remedy::remedy(
        "ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c ptmx",
        "Counts open pseudoterminals; programs that never close theirs leak them.",
    ));
    remedies
}
