//! Metadata space of a btrfs.

use super::{Command, Limit};
use crate::cause::Cause;

pub const LIMIT: Limit = Limit {
    commands: &[
        Command::any(
            "btrfs filesystem usage MOUNTPOINT",
            "metadata used and total, and what is not allocated yet",
        ),
        Command::any(
            "btrfs balance start -dusage=10 MOUNTPOINT",
            "gives nearly empty data chunks back, so that metadata can grow",
        ),
    ],
    ..Limit::in_logs(
        Cause::BtrfsMetadata,
        "A btrfs has run out of metadata space; df still shows room",
        include_str!("../../../../docs/causes/btrfs-metadata.md"),
    )
};
