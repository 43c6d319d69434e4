//! System V message queues: ENOSPC from msgget(2).

use super::{Command, Limit, Refusal, Sysctl, errno::ENOSPC, sysv};
use crate::cause::Cause;
use crate::model::Snapshot;
use crate::report::{Resource, Subject};

const MSGMNI: &str = "kernel.msgmni";

pub const LIMIT: Limit = Limit {
    refusals: &[Refusal::of("msgget", ENOSPC)],
    // `IPCMNI` (include/linux/ipc_namespace.h); `struct msg_queue`.
    sysctls: &[Sysctl {
        most: 32_768,
        ..Sysctl::int(MSGMNI, sysv::EACH, sysv::EFFECT).costing(256)
    }],
    collector: Some("sysv"),
    usage,
    findings: |view| sysv::findings(view, Cause::SysvMessages, "msgget"),
    commands: &[
        Command::any(
            "wc -l /proc/sysvipc/msg; cat /proc/sys/kernel/msgmni",
            "message queues of this ipc namespace, and how many it may have",
        ),
        Command::any(
            "ipcrm -q ID",
            "removes a queue that no program uses any more; else raise kernel.msgmni",
        ),
    ],
    ..Limit::in_logs(
        Cause::SysvMessages,
        "System V message queues have run out; no disk is full",
        include_str!("../../../../docs/causes/sysv-messages.md"),
    )
};

/// Queues of the IPC namespace that nospace runs in.
fn usage(snapshot: &Snapshot) -> Vec<Resource> {
    let queues = snapshot.sysv.iter().map(|ipc| {
        let (cause, subject) = (Cause::SysvMessages, Subject::sysctl(MSGMNI));
        Resource::exact(cause, subject, ipc.queues, ipc.max_queues, "queues")
    });
    queues.collect()
}
