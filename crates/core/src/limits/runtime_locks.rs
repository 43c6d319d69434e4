//! Lock files of podman and CRI-O (`num_locks`).

use super::{Command, Limit};
use crate::cause::Cause;
use crate::model::Program;

pub const LIMIT: Limit = Limit {
    commands: &[
        Command::with(
            Program::Podman,
            "podman container prune; podman volume prune",
            "each container, pod and volume holds a lock",
        ),
        Command::any(
            "grep -rs num_locks /etc/containers /usr/share/containers",
            "raise it, then run podman system renumber with all containers stopped",
        ),
    ],
    ..Limit::in_logs(
        Cause::RuntimeLocks,
        "podman or CRI-O has run out of locks; no disk is full",
        include_str!("../../../../docs/causes/runtime-locks.md"),
    )
};
