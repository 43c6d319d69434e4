//! POSIX message queues: EMFILE from mq_open(3) by RLIMIT_MSGQUEUE, ENOSPC by fs.mqueue.queues_max.

use super::pressure::{self, at_limit, share};
use super::remedy::remedy;
use super::{
    Command, Dependency, Limit, Refusal, Sysctl, describe,
    errno::{EMFILE, ENOSPC},
    near, suggest_limit,
    sysctl::INT_MAX,
};
use crate::amount::thousands;
use crate::attribute::View;
use crate::cause::Cause;
use crate::model::{NearKind, Snapshot};
use crate::report::{Finding, Remedy, Resource, Severity, Subject};

const QUEUES: &str = "fs.mqueue.queues_max";
const KINDS: &[NearKind] = &[NearKind::QueueBytes];

pub const LIMIT: Limit = Limit {
    refusals: &[
        Refusal::of("mq_open", EMFILE),
        Refusal::of("mq_open", ENOSPC),
    ],
    sysctls: &[Sysctl::watched(QUEUES, "each IPC namespace")],
    collector: Some("rlimits"),
    depends: &[Dependency::Ancestors, Dependency::Processes],
    usage,
    findings,
    commands: &[
        Command::any(
            "ls -l /dev/mqueue; cat /proc/sys/fs/mqueue/queues_max",
            "queues of this ipc namespace, and how many it may have; rm removes one that nobody uses",
        ),
        Command::any(
            "grep -h 'msgqueue size' /proc/[0-9]*/limits | sort | uniq -c",
            "bytes that the queues of a user may take: raise LimitMSGQUEUE= of the unit",
        ),
    ],
    ..Limit::in_logs(
        Cause::PosixMqueue,
        "POSIX message queues have run out; no disk is full, and no process has too many files open",
        include_str!("../../../../docs/causes/posix-mqueue.md"),
    )
};

/// Bytes of users that are near their limit, and queues of each ipc namespace that has some.
fn usage(snapshot: &Snapshot) -> Vec<Resource> {
    let mut resources = near::of_users(snapshot, KINDS, Cause::PosixMqueue, "bytes");
    let namespaces = snapshot.accounts.iter().flat_map(|one| &one.queues);
    resources.extend(namespaces.map(|one| {
        let subject = Subject::Namespace {
            kind: "ipc",
            id: one.id,
            pid: one.pid,
        };
        Resource::exact(Cause::PosixMqueue, subject, one.used, one.limit, "queues")
    }));
    resources
}

fn findings(view: &View) -> Vec<Finding> {
    pressure::pressed(view, Cause::PosixMqueue)
        .map(|at| match &at.0.subject {
            Subject::Namespace { pid, .. } => number(at, *pid),
            _ => bytes(view, at),
        })
        .collect()
}

fn bytes(view: &View, (resource, severity): (&Resource, Severity)) -> Finding {
    let title = format!(
        "POSIX message queues of {} take {} (RLIMIT_MSGQUEUE, {}): {}mq_open fails with \"too many open files\"",
        resource.subject,
        describe::used_of(resource.used, resource.limit, &resource.unit),
        share(resource),
        at_limit(resource)
    );
    let pids = near::pids(view, KINDS, resource);
    let remedies = near::raise(&pids, "msgqueue", resource, "LimitMSGQUEUE= of the unit");
    Finding {
        victims: vec![near::names(view, &pids)],
        ..pressure::finding((resource, severity), title, remedies)
    }
}

fn number((resource, severity): (&Resource, Severity), pid: u32) -> Finding {
    let title = format!(
        "{} of {} POSIX message queues exist in {} ({QUEUES}, {}): {}mq_open fails with ENOSPC",
        thousands(resource.used),
        thousands(resource.limit),
        resource.subject,
        share(resource),
        at_limit(resource)
    );
    let raise = |value| {
        remedy(
            format!("nsenter -t {pid} -i sh -c 'echo {value} > /proc/sys/fs/mqueue/queues_max'"),
            "Takes effect at once, in this ipc namespace alone; processes with CAP_SYS_RESOURCE are not limited.",
        )
    };
    let value = suggest_limit(resource.used, resource.limit, 0, INT_MAX).filter(|_| pid > 0);
    let remedies: Vec<Remedy> = value.map(raise).into_iter().collect();
    pressure::finding((resource, severity), title, remedies)
}
