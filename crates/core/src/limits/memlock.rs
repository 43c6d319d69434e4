//! Locked memory: ENOMEM or EPERM by RLIMIT_MEMLOCK.

use super::pressure::{self, at_limit, share};
use super::{
    Command, Dependency, Limit, Refusal, describe,
    errno::{EAGAIN, ENOMEM},
    near,
};
use crate::attribute::View;
use crate::cause::Cause;
use crate::model::{NearKind, Snapshot};
use crate::report::{Finding, Resource, Subject};

const OF_USERS: &[NearKind] = &[NearKind::LockedByKernel, NearKind::LockedByUser];
const OF_PROCESSES: NearKind = NearKind::Locked;

pub const LIMIT: Limit = Limit {
    refusals: &[
        Refusal::of("mlock", ENOMEM),
        Refusal::of("mlock2", ENOMEM),
        Refusal::of("mlockall", ENOMEM),
        Refusal::of("io_uring_setup", ENOMEM),
        Refusal::of("io_uring_register", ENOMEM),
        Refusal::of("mmap", EAGAIN),
        Refusal::of("mremap", EAGAIN),
    ],
    collector: Some("rlimits"),
    depends: &[Dependency::Ancestors, Dependency::Processes],
    usage,
    findings,
    commands: &[
        Command::any(
            "grep 'locked memory' /proc/PID/limits; grep -E 'VmLck|VmPin' /proc/PID/status",
            "the limit of the process and what it has locked",
        ),
        Command::any(
            "systemctl edit UNIT   # LimitMEMLOCK=infinity",
            "for a container: --ulimit memlock=-1, or the unit of its runtime",
        ),
    ],
    ..Limit::in_logs(
        Cause::Memlock,
        "Locked memory has run out (RLIMIT_MEMLOCK); the memory is not used up",
        include_str!("../../../../docs/causes/memlock.md"),
    )
};

/// Users and processes that are near their limit, and that CAP_IPC_LOCK does not exempt.
fn usage(snapshot: &Snapshot) -> Vec<Resource> {
    let mut all = near::of_users(snapshot, OF_USERS, Cause::Memlock, "bytes");
    all.extend(near::of_processes(
        snapshot,
        OF_PROCESSES,
        Cause::Memlock,
        "bytes",
    ));
    all
}

fn findings(view: &View) -> Vec<Finding> {
    pressure::pressed(view, Cause::Memlock)
        .map(|(resource, severity)| {
            let (kinds, call) = match resource.subject {
                Subject::User(_) => (OF_USERS, "io_uring, perf, AF_XDP or SHM_LOCK"),
                _ => (&[OF_PROCESSES][..], "mlock"),
            };
            let title = format!(
                "{} has locked {} of memory (RLIMIT_MEMLOCK, {}): {}{call} fails with ENOMEM",
                view.caption(&resource.subject),
                describe::used_of(resource.used, resource.limit, &resource.unit),
                share(resource),
                at_limit(resource)
            );
            let pids = near::pids(view, kinds, resource);
            let remedies = near::raise(&pids, "memlock", resource, "LimitMEMLOCK= of the unit");
            Finding {
                victims: vec![near::names(view, &pids)],
                ..pressure::finding((resource, severity), title, remedies)
            }
        })
        .collect()
}
