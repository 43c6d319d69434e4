//! System V semaphores: ENOSPC from semget(2).

use super::{Command, Limit, Refusal, Sysctl, errno::ENOSPC, sysv};
use crate::cause::Cause;
use crate::model::Snapshot;
use crate::report::{Resource, Subject};

const SEM: &str = "kernel.sem";

pub const LIMIT: Limit = Limit {
    sysctls: &[Sysctl::watched(SEM, sysv::EACH)],
    refusals: &[Refusal::of("semget", ENOSPC)],
    collector: Some("sysv"),
    usage,
    findings: |view| sysv::findings(view, Cause::SysvSemaphores, "semget"),
    commands: &[Command::any(
        "ipcs -s -u; grep . /proc/sys/kernel/sem",
        "sets in use against SEMMNI, the fourth number; remove orphans with ipcrm -s",
    )],
    ..Limit::in_logs(
        Cause::SysvSemaphores,
        "System V semaphores have run out; no disk is full",
        include_str!("../../../../docs/causes/sysv-semaphores.md"),
    )
};

/// Sets, and semaphores in all sets, of the IPC namespace that nospace runs in.
fn usage(snapshot: &Snapshot) -> Vec<Resource> {
    let Some(ipc) = &snapshot.sysv else {
        return Vec::new();
    };
    let of = |field, used, limit, unit| {
        let subject = Subject::SysctlField { key: SEM, field };
        Resource::exact(Cause::SysvSemaphores, subject, used, limit, unit)
    };
    vec![
        of("SEMMNI", ipc.semaphore_sets, ipc.max_semaphore_sets, "sets"),
        of("SEMMNS", ipc.semaphores, ipc.max_semaphores, "semaphores"),
    ]
}
