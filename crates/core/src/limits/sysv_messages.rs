//! System V message queues.

use super::{Command, Limit};
use crate::cause::Cause;

pub const LIMIT: Limit = Limit {
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
