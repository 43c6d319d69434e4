//! Namespaces of one kind: ENOSPC from clone(2) and unshare(2).

use std::borrow::Cow;

use super::pressure::{self, share};
use super::{Command, Dependency, Limit, Refusal, Sysctl, errno::ENOSPC, remedy};
use crate::attribute::View;
use crate::cause::Cause;
use crate::model::{Program, Snapshot};
use crate::report::{Finding, Resource, Subject};

const fn sysctl(key: &'static str) -> Sysctl {
    Sysctl::int(
        key,
        "each user",
        "raises the limit of every user of this user namespace",
    )
}

pub const LIMIT: Limit = Limit {
    sysctls: &[
        sysctl("user.max_user_namespaces"),
        sysctl("user.max_mnt_namespaces"),
        sysctl("user.max_net_namespaces"),
        sysctl("user.max_pid_namespaces"),
        sysctl("user.max_cgroup_namespaces"),
        sysctl("user.max_ipc_namespaces"),
        sysctl("user.max_uts_namespaces"),
        sysctl("user.max_time_namespaces"),
    ],
    refusals: &[Refusal::of("unshare", ENOSPC), Refusal::of("clone", ENOSPC)],
    collector: Some("namespaces"),
    depends: &[Dependency::Ancestors, Dependency::Processes],
    usage,
    findings,
    commands: &[Command::with(
        Program::Sysctl,
        "sysctl user.max_user_namespaces user.max_mnt_namespaces user.max_net_namespaces user.max_pid_namespaces",
        "a limit of 0 forbids that kind, as hardening guides do; raise the one that is used up",
    )],
    ..Limit::in_logs(
        Cause::NamespaceLimit,
        "A user has run out of namespaces; no disk is full",
        include_str!("../../../../docs/causes/namespace-limit.md"),
    )
};

/// Each kind: what visible processes live in, of all users together.
fn usage(snapshot: &Snapshot) -> Vec<Resource> {
    let kinds = snapshot.namespaces.iter().flat_map(|n| &n.kinds);
    kinds
        .map(|kind| {
            let key = format!("user.max_{}_namespaces", kind.kind);
            let subject = Subject::Sysctl(Cow::Owned(key));
            let cause = Cause::NamespaceLimit;
            Resource::exact(cause, subject, kind.used, kind.limit, "namespaces").estimated()
        })
        .collect()
}

fn findings(view: &View) -> Vec<Finding> {
    pressure::pressed(view, Cause::NamespaceLimit)
        .map(|(resource, severity)| {
            let title = format!(
                "{} namespaces are in use, {} allows {} for each user ({})",
                resource.used,
                resource.subject,
                resource.limit,
                share(resource)
            );
            let remedies = remedy::raise_sysctl(view, resource);
            pressure::finding((resource, severity), title, remedies)
        })
        .collect()
}
