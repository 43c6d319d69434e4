//! Huge pages.

use super::{Command, Limit};
use crate::cause::Cause;

pub const LIMIT: Limit = Limit {
    commands: &[
        Command::any(
            "grep -i huge /proc/meminfo",
            "HugePages_Free less HugePages_Rsvd is what can still be had",
        ),
        Command::any(
            "cat /sys/devices/system/node/node*/hugepages/hugepages-*/free_hugepages",
            "the same by NUMA node and size; reserve more at boot (hugepages=N), before memory is fragmented",
        ),
    ],
    ..Limit::in_logs(
        Cause::Hugepages,
        "Huge pages have run out; other memory may be free",
        include_str!("../../../../docs/causes/hugepages.md"),
    )
};
