//! POSIX message queues.

use super::{Command, Limit};
use crate::cause::Cause;

pub const LIMIT: Limit = Limit {
    commands: &[
        Command::any(
            "ls -l /dev/mqueue",
            "queues of this ipc namespace; each exists until it is removed",
        ),
        Command::any(
            "grep . /proc/sys/fs/mqueue/queues_max /proc/sys/fs/mqueue/msg_max; grep msgqueue /proc/self/limits",
            "queues that a namespace may have (ENOSPC), and bytes that a user may queue (EMFILE)",
        ),
    ],
    ..Limit::in_logs(
        Cause::PosixMqueue,
        "POSIX message queues have run out; no disk is full, and no process has too many files open",
        include_str!("../../../../docs/causes/posix-mqueue.md"),
    )
};
