//! Neighbour entries (ARP, NDP) of the machine.

use super::{Command, Limit};
use crate::cause::Cause;

pub const LIMIT: Limit = Limit {
    commands: &[
        Command::any(
            "cat /proc/net/stat/arp_cache /proc/net/stat/ndisc_cache",
            "first column: entries of the whole machine, in hexadecimal",
        ),
        Command::any(
            "grep . /proc/sys/net/ipv4/neigh/default/gc_thresh*",
            "raise all three on the node; for IPv6 the same below net/ipv6",
        ),
    ],
    ..Limit::in_logs(
        Cause::NeighborTable,
        "The table of neighbours (ARP or NDP) is full (net.ipv4.neigh.default.gc_thresh3)",
        include_str!("../../../../docs/causes/neighbor-table.md"),
    )
};
