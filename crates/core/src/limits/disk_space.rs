//! Blocks or inodes, where only a log line or a system call is known: statfs tells which.

use super::{Command, Limit, Place, Refusal, errno::ENOSPC, filesystem};
use crate::cause::Cause;
use crate::model::Program;

pub const LIMIT: Limit = Limit {
    refusals: &Refusal::of_each(filesystem::WRITES, ENOSPC, Place::OtherFilesystem),
    collector: Some("filesystems"),
    commands: &[
        Command::any("df -h; df -i", "blocks and inodes of every file system"),
        Command::with(
            Program::Crictl,
            "crictl rmi --prune",
            "removes images that no container uses",
        ),
    ],
    ..Limit::in_logs(
        Cause::DiskSpace,
        "A file system has run out of blocks or inodes",
        include_str!("../../../../docs/causes/disk-space.md"),
    )
};
