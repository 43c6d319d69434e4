//! A Ceph OSD, pool or cluster at its full ratio.

use super::{Command, Limit};
use crate::cause::Cause;

pub const LIMIT: Limit = Limit {
    commands: &[
        Command::any(
            "ceph health detail; ceph osd df; ceph df",
            "OSDs and pools that are full or nearly full",
        ),
        Command::any(
            "ceph osd reweight-by-utilization; ceph osd set-full-ratio 0.96",
            "moves data, or buys time to delete and add OSDs",
        ),
    ],
    ..Limit::in_logs(
        Cause::CephFull,
        "Ceph has reached its full ratio: an OSD or a pool accepts no writes; the node's own disks may have room",
        include_str!("../../../../docs/causes/ceph-full.md"),
    )
};
