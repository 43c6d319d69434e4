//! fanotify groups or marks of a user.

use super::{Command, Limit};
use crate::cause::Cause;

pub const LIMIT: Limit = Limit {
    commands: &[
        Command::any(
            "grep . /proc/sys/fs/fanotify/max_user_groups /proc/sys/fs/fanotify/max_user_marks",
            "the limits of each user; raise the one that ran out",
        ),
        Command::any(
            "ls -l /proc/[0-9]*/fd 2>/dev/null | grep 'anon_inode:.fanotify'",
            "groups that are open now; virus scanners, container monitors and fatrace hold them",
        ),
    ],
    ..Limit::in_logs(
        Cause::Fanotify,
        "A user has run out of fanotify groups or marks; no disk is full, and no process has too many files open",
        include_str!("../../../../docs/causes/fanotify.md"),
    )
};
