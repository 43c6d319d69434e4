//! Neighbour tables, ARP and NDP: one of each for the whole machine.

use nospace_core::amount::count;
use nospace_core::cause::Cause;
use nospace_core::model::{Resource, Subject};

use super::networks::{IN_FIRST, Networks, of_first, statistics};
use super::run::{CollectResult, Measurement};
use crate::host::Host;

/// Tables below net/stat, with the sysctl that limits each.
const TABLES: [(&str, &str); 2] = [
    ("arp_cache", "net.ipv4.neigh.default.gc_thresh3"),
    ("ndisc_cache", "net.ipv6.neigh.default.gc_thresh3"),
];

/// Reads the statistics of both tables, and gc_thresh3 of each.
///
/// The kernel refuses a new entry at gc_thresh3 where none can be dropped (`neigh_alloc`, net/core/neighbour.c). Since 5.0 it
/// compares with that the entries without permanent ones, which it shows nowhere: the figure is an upper bound.
pub fn collect(host: &dyn Host, _: &Networks) -> CollectResult<Vec<Resource>> {
    let mut resources = Vec::new();
    let mut gaps = Vec::new();
    for (table, key) in TABLES {
        // Only the namespace of the host shows them.
        let path = format!("1/net/stat/{table}");
        let Some((entries, [refused])) = statistics(host, &path, ["table_fulls"])? else {
            continue;
        };
        let Some(limit) = of_first(host, key)? else {
            gaps.push(format!(
                "{key} is not visible from this network namespace; {IN_FIRST}"
            ));
            continue;
        };
        let note = || {
            format!(
                "{} refused since boot",
                count(refused, "entry was", "entries were")
            )
        };
        resources.push(Resource {
            note: (refused > 0).then(note),
            ..Resource::exact(
                Cause::NeighborTable,
                Subject::sysctl(key),
                entries,
                limit,
                "neighbors",
            )
            .estimated()
        });
    }
    Ok(Measurement::estimated(resources)
        .partial(!gaps.is_empty())
        .with_gaps(gaps))
}
