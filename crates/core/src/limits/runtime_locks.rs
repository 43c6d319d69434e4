//! Lock files of podman and CRI-O (`num_locks`).

use super::Limit;
use crate::cause::Cause;

pub const LIMIT: Limit = Limit {
    commands: &[
        (
            "podman container prune; podman volume prune",
            "each container, pod and volume holds a lock",
        ),
        (
            "grep num_locks /usr/share/containers/containers.conf /etc/containers/containers.conf",
            "raise it, then run podman system renumber with all containers stopped",
        ),
    ],
    ..Limit::in_logs(
        Cause::RuntimeLocks,
        "podman or CRI-O has run out of locks; no disk is full",
        include_str!("../../../../docs/causes/runtime-locks.md"),
    )
};
