//! Neighbour tables, ARP and NDP: one of each for the whole machine.

use nospace_core::amount::count;
use nospace_core::cause::Cause;
use nospace_core::model::{Resource, Subject};

use super::networks::{Networks, of_first, only_in_first, statistics};
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
    let mut hidden = Vec::new();
    for (table, key) in TABLES {
        // No other namespace than that of the host shows them; pid 1 lives there, but for a guest.
        let path = format!("1/net/stat/{table}");
        let statistics = statistics(host, &path, ["table_fulls"])?;
        let limit = of_first(host, key)?;
        let (Some((entries, [refused])), Some(limit)) = (statistics, limit) else {
            // A kernel without IPv6 has neither.
            if limit.is_some() || statistics.is_some() || !sees_first(host)? {
                hidden.push(only_in_first(key));
            }
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
    Ok(Measurement::estimated(resources).out_of_sight(hidden))
}

/// The host's network namespace is in sight: every kernel with a network has these.
fn sees_first(host: &dyn Host) -> anyhow::Result<bool> {
    let (_, key) = TABLES[0];
    Ok(of_first(host, key)?.is_some())
}
