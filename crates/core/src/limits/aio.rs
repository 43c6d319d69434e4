//! Asynchronous I/O contexts of the system.

use super::{Command, Limit};
use crate::cause::Cause;

pub const LIMIT: Limit = Limit {
    commands: &[
        Command::any(
            "grep . /proc/sys/fs/aio-nr /proc/sys/fs/aio-max-nr",
            "requests reserved by all processes of the machine, and the limit: raise it on the node, 1048576 is common",
        ),
        Command::any(
            "grep -l /.aio. /proc/[0-9]*/maps 2>/dev/null",
            "the processes that reserve them",
        ),
    ],
    ..Limit::in_logs(
        Cause::Aio,
        "The system has run out of asynchronous I/O requests (fs.aio-max-nr)",
        include_str!("../../../../docs/causes/aio.md"),
    )
};
