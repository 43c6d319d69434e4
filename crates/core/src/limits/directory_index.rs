//! The index of one directory on ext4.

use super::{Command, Limit, Place, Refusal, errno::ENOSPC, filesystem};
use crate::cause::Cause;

pub const LIMIT: Limit = Limit {
    refusals: &Refusal::of_each(filesystem::CREATES, ENOSPC, Place::OtherFilesystem),
    commands: &[
        Command::any(
            "dmesg | grep -i 'index full'",
            "names the device and the inode; `find MOUNTPOINT -xdev -inum INODE` names the directory",
        ),
        Command::any(
            "tune2fs -O large_dir DEVICE",
            "allows a third level; or move entries to other directories",
        ),
    ],
    ..Limit::in_logs(
        Cause::DirectoryIndex,
        "A directory has too many entries for its index on ext4; the file system has room",
        include_str!("../../../../docs/causes/directory-index.md"),
    )
};
