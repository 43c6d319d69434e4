//! A quota of a user, group or project on a file system.

use super::{Command, Limit};
use crate::cause::Cause;

pub const LIMIT: Limit = Limit {
    commands: &[
        Command::any(
            "df -h DIRECTORY; df -i DIRECTORY",
            "a directory with a project quota shows the quota as its size",
        ),
        Command::any(
            "quota -s; repquota -as",
            "quotas of users and groups, where quota is installed; the soft limit refuses too after its grace time",
        ),
    ],
    ..Limit::in_logs(
        Cause::DiskQuota,
        "A quota on a file system is used up; the file system itself may have room",
        include_str!("../../../../docs/causes/disk-quota.md"),
    )
};
