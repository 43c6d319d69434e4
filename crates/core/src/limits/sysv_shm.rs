//! System V shared memory: ENOSPC from shmget(2).

use super::sysctl::LONG_MAX;
use super::{Command, Limit, Refusal, Sysctl, errno::ENOSPC, sysv};
use crate::cause::Cause;
use crate::model::Snapshot;
use crate::report::{Resource, Subject};

pub const LIMIT: Limit = Limit {
    sysctls: &[
        // `IPCMNI` (include/linux/ipc_namespace.h).
        Sysctl {
            most: 32_768,
            ..Sysctl::int("kernel.shmmni", sysv::EACH, sysv::EFFECT)
        },
        Sysctl {
            most: LONG_MAX,
            ..Sysctl::int("kernel.shmall", sysv::EACH, sysv::EFFECT)
        },
    ],
    refusals: &[Refusal::of("shmget", ENOSPC)],
    collector: Some("sysv"),
    usage,
    findings: |view| sysv::findings(view, Cause::SysvShm, "shmget"),
    commands: &[Command::any(
        "ipcs -m -u; grep . /proc/sys/kernel/shmmni /proc/sys/kernel/shmall",
        "segments and pages in use against the limits; remove orphans with ipcrm -m",
    )],
    ..Limit::in_logs(
        Cause::SysvShm,
        "System V shared memory has run out; no disk is full",
        include_str!("../../../../docs/causes/sysv-shm.md"),
    )
};

/// Segments, and pages in all segments, of the IPC namespace that nospace runs in.
fn usage(snapshot: &Snapshot) -> Vec<Resource> {
    let Some(ipc) = &snapshot.sysv else {
        return Vec::new();
    };
    let of = |key, used, limit, unit| {
        Resource::exact(Cause::SysvShm, Subject::sysctl(key), used, limit, unit)
    };
    vec![
        of("kernel.shmmni", ipc.segments, ipc.max_segments, "segments"),
        of(
            "kernel.shmall",
            ipc.segment_pages,
            ipc.max_segment_pages,
            "pages",
        ),
    ]
}
