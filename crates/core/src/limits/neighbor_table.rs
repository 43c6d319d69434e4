//! Neighbour entries (ARP, NDP) of the machine: ENOBUFS from connect(2) and send(2), EHOSTUNREACH.

use super::pressure::{self, share};
use super::remedy::{self, remedy};
use super::{Command, Dependency, Limit, Refusal, Sysctl, errno::ENOBUFS, limit};
use crate::amount::thousands;
use crate::attribute::View;
use crate::cause::Cause;
use crate::report::{Finding, Remedy, Resource};

const EACH: &str = "the machine";

/// Sizes of `struct neighbour` with its key and the device's part are rounded up to 512 bytes.
const fn most(key: &'static str) -> Sysctl {
    Sysctl {
        floor: 8_192,
        ..Sysctl::int(key, EACH, "raises how many neighbours the machine may know").costing(512)
    }
}

pub const LIMIT: Limit = Limit {
    sysctls: &[
        most("net.ipv4.neigh.default.gc_thresh3"),
        most("net.ipv6.neigh.default.gc_thresh3"),
        Sysctl::watched("net.ipv4.neigh.default.gc_thresh2", EACH),
        Sysctl::watched("net.ipv6.neigh.default.gc_thresh2", EACH),
    ],
    refusals: &[
        Refusal::of("connect", ENOBUFS),
        Refusal::of("sendto", ENOBUFS),
        Refusal::of("sendmsg", ENOBUFS),
    ],
    collector: Some("neighbors"),
    depends: &[Dependency::Processes],
    usage: |snapshot| limit::read(snapshot, Cause::NeighborTable),
    findings,
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

fn findings(view: &View) -> Vec<Finding> {
    pressure::pressed(view, Cause::NeighborTable)
        .map(|(resource, severity)| {
            let title = format!(
                "The {} table has {} of {} entries ({}): when it is full, no new neighbour can be reached",
                protocol(resource),
                thousands(resource.used),
                thousands(resource.limit),
                share(resource)
            );
            Finding {
                victims: vec!["connections to addresses that are not in the table yet".to_owned()],
                ..pressure::finding((resource, severity), title, remedies(view, resource))
            }
        })
        .collect()
}

fn protocol(resource: &Resource) -> &'static str {
    if resource.subject.to_string().contains("ipv6") {
        "NDP"
    } else {
        "ARP"
    }
}

fn remedies(view: &View, resource: &Resource) -> Vec<Remedy> {
    let mut remedies = remedy::raise_sysctl(view, resource);
    remedies.push(remedy(
        "ip -s neigh show | awk '{print $3}' | sort | uniq -c | sort -rn | head",
        "Counts the neighbours of this network namespace by device; those of pods count in theirs.",
    ));
    remedies
}
