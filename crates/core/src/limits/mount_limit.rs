//! Mounts of a mount namespace: ENOSPC from mount(2), which reads like a full disk.

use super::pressure::{self, at_limit, share};
use super::remedy::{self, remedy};
use super::{Command, Dependency, Limit, Raise, Refusal, Sysctl, describe, errno::ENOSPC};
use crate::amount::thousands;
use crate::attribute::View;
use crate::cause::Cause;
use crate::model::Snapshot;
use crate::report::{Blame, Culprit, Finding, Resource, Severity, Subject};

const SYSCTL: Sysctl = Sysctl {
    least: 1,
    floor: 100_000,
    // `struct mount` and its names.
    ..Sysctl::int(
        "fs.mount-max",
        "each mount namespace",
        "raises the limit of every mount namespace",
    )
    .costing(512)
};

pub const LIMIT: Limit = Limit {
    sysctls: &[SYSCTL],
    refusals: &[
        Refusal::of("mount", ENOSPC),
        Refusal::of("move_mount", ENOSPC),
    ],
    collector: Some("mounts"),
    depends: &[Dependency::Processes],
    usage,
    sysctl_of: |_| Some(SYSCTL.key),
    findings,
    commands: &[Command::any(
        "for p in /proc/[0-9]*; do echo \"$(wc -l < $p/mounts) $(readlink $p/ns/mnt) ${p##*/}\"; done 2>/dev/null | sort -rn | head",
        "shows the mount namespace that is full",
    )],
    raise: Some(Raise {
        key: SYSCTL.key,
        to: 200_000,
        why: "lets mounts go on while you look for the leak",
    }),
    ..Limit::in_logs(
        Cause::MountLimit,
        "A mount namespace is full: mount(2) was refused; no disk is full",
        include_str!("../../../../docs/causes/mount-limit.md"),
    )
};

/// Each mount namespace.
fn usage(snapshot: &Snapshot) -> Vec<Resource> {
    let Some(mounts) = &snapshot.mounts else {
        return Vec::new();
    };
    let of = |id, pid, used| {
        let subject = Subject::MountNamespace { id, pid };
        Resource::exact(Cause::MountLimit, subject, used, mounts.max, "mounts")
    };
    let namespaces = mounts.namespaces.iter();
    namespaces.map(|n| of(n.id, n.pid, n.mounts)).collect()
}

fn findings(view: &View) -> Vec<Finding> {
    pressure::pressed(view, Cause::MountLimit)
        .map(|at| finding(view, at))
        .collect()
}

fn finding(view: &View, (resource, severity): (&Resource, Severity)) -> Finding {
    let title = format!(
        "{} has {} of {} mounts ({}): {}mount fails with \"no space left on device\"",
        resource.subject,
        thousands(resource.used),
        thousands(resource.limit),
        share(resource),
        at_limit(resource)
    );
    let pid = match resource.subject {
        Subject::MountNamespace { pid, .. } => Some(pid),
        _ => None,
    };
    let mut remedies = remedy::raise_sysctl(view, resource);
    remedies.extend(pid.map(|pid| {
        remedy(
            format!("cut -d' ' -f5 /proc/{pid}/mountinfo | cut -d/ -f1-5 | sort | uniq -c | sort -n | tail"),
            "Shows where the mounts are.",
        )
    }));
    Finding {
        blame: pid.map_or(Blame::Unknown, |pid| {
            Blame::only(Culprit::named(describe::process(view, pid)), None)
        }),
        victims: vec!["containers started and volumes mounted there".to_owned()],
        ..pressure::finding((resource, severity), title, remedies)
    }
}
