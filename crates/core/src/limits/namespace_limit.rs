//! Namespaces of one kind: ENOSPC from clone(2) and unshare(2).

use std::borrow::Cow;

use super::pressure::{self, at_limit, share};
use super::{Command, Dependency, Limit, Refusal, Sysctl, errno::ENOSPC, remedy};
use crate::amount::thousands;
use crate::attribute::View;
use crate::cause::Cause;
use crate::model::{Program, Snapshot};
use crate::report::{Finding, Resource, Severity, Subject};

/// `create_user_ns` refuses below a namespace of level 33 (kernel/user_namespace.c).
const DEEPEST: u64 = 33;

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
        .chain(depth(snapshot))
        .collect()
}

/// How deep user namespaces are nested, where any is nested at all.
fn depth(snapshot: &Snapshot) -> Option<Resource> {
    let depth = snapshot.accounts.as_ref()?.depth;
    let of = |used: u32| {
        let subject = Subject::UserNamespaceDepth;
        Resource::exact(
            Cause::NamespaceLimit,
            subject,
            used.into(),
            DEEPEST,
            "levels",
        )
    };
    (depth > 0).then(|| of(depth))
}

fn findings(view: &View) -> Vec<Finding> {
    pressure::pressed(view, Cause::NamespaceLimit)
        .map(|(resource, severity)| {
            if resource.subject == Subject::UserNamespaceDepth {
                return too_deep((resource, severity));
            }
            let title = format!(
                "{} namespaces are in use, {} allows {} for each user ({})",
                thousands(resource.used),
                resource.subject,
                thousands(resource.limit),
                share(resource)
            );
            let remedies = remedy::raise_sysctl(view, resource);
            pressure::finding((resource, severity), title, remedies)
        })
        .collect()
}

/// No sysctl allows more.
fn too_deep((resource, severity): (&Resource, Severity)) -> Finding {
    let title = format!(
        "User namespaces are nested {} of {} levels deep: {}unshare fails with \"no space left on device\", whatever user.max_user_namespaces is",
        thousands(resource.used),
        thousands(resource.limit),
        at_limit(resource)
    );
    pressure::finding((resource, severity), title, Vec::new())
}
