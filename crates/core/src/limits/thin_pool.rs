//! Data or metadata blocks of an LVM thin pool, or device mapper's.

use super::{Command, Limit};
use crate::cause::Cause;

pub const LIMIT: Limit = Limit {
    commands: &[
        Command::any(
            "lvs -a -o lv_name,data_percent,metadata_percent",
            "used data and metadata blocks of each pool, where LVM is installed; dmsetup status for others",
        ),
        Command::any(
            "lvextend -L +10G VG/POOL; lvextend --poolmetadatasize +1G VG/POOL",
            "adds blocks; fstrim of the volumes frees unused ones",
        ),
    ],
    ..Limit::in_logs(
        Cause::ThinPool,
        "A thin pool of LVM or device mapper has run out of data or metadata blocks",
        include_str!("../../../../docs/causes/thin-pool.md"),
    )
};
