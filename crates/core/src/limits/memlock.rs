//! Locked memory of a user or process.

use super::{Command, Limit};
use crate::cause::Cause;

pub const LIMIT: Limit = Limit {
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
