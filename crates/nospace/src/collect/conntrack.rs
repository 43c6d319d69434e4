//! Connections that netfilter tracks, in each network namespace.

use nospace_core::amount::count;
use nospace_core::cause::Cause;
use nospace_core::model::{Resource, Subject};
use nospace_core::parse;

use super::networks::{Networks, only_in_first, statistics};
use super::read;
use super::run::{CollectResult, Measurement};
use crate::host::{Host, proc};

/// Sets the limit of every network namespace; only the first can write it.
const MAX: &str = "net.netfilter.nf_conntrack_max";
/// More namespaces than containers fit on a node are not asked.
const MAX_NAMESPACES: usize = 1000;

/// Reads the statistics of each namespace, and the limit that they share.
///
/// The kernel refuses the one beyond the limit (`__nf_conntrack_alloc`, net/netfilter/nf_conntrack_core.c); 0 is no limit.
pub fn collect(host: &dyn Host, networks: &Networks) -> CollectResult<Vec<Resource>> {
    let number = |bytes: &[u8]| parse::number("nf_conntrack_max", bytes);
    let max = read::optional(host, proc(&read::sysctl_path(MAX)), number)?;
    if max == Some(0) {
        return Ok(Measurement::exact(Vec::new()));
    }
    let mut resources = Vec::new();
    let mut hidden = Vec::new();
    let mut gaps: Vec<String> = networks.gap().into_iter().collect();
    gaps.extend(networks.beyond(MAX_NAMESPACES));
    for (&id, &pid) in networks.all.iter().take(MAX_NAMESPACES) {
        let path = format!("{pid}/net/stat/nf_conntrack");
        match statistics(host, &path, ["drop", "early_drop"]) {
            // It has ended, or nothing tracks connections on this node.
            Ok(None) => {}
            Ok(Some((entries, dropped))) => match max {
                Some(max) => resources.push(Resource {
                    note: note(dropped),
                    ..Resource::exact(
                        Cause::Conntrack,
                        networks.subject(id, MAX),
                        entries,
                        max,
                        "connections",
                    )
                }),
                None => {
                    hidden.push(only_in_first(MAX));
                    break;
                }
            },
            Err(error) => gaps.push(format!("{error:#}")),
        }
    }
    if resources.is_empty() && gaps.is_empty() && max.is_some() {
        gaps.push("/proc/net/stat/nf_conntrack is missing: this kernel was built without CONFIG_NF_CONNTRACK_PROCFS".to_owned());
    }
    // A namespace without a connection and without a drop is nothing to list.
    resources
        .retain(|one| one.used > 0 || one.note.is_some() || one.subject == Subject::sysctl(MAX));
    Ok(Measurement::exact(resources)
        .partial(!gaps.is_empty())
        .with_gaps(gaps)
        .out_of_sight(hidden))
}

/// What the kernel did when the table was full.
fn note([dropped, early]: [u64; 2]) -> Option<String> {
    let packets = count(dropped, "packet was", "packets were");
    let entries = count(early, "entry was", "entries were");
    match (dropped, early) {
        (0, 0) => None,
        (_, 0) => Some(format!(
            "{packets} dropped so far because the table was full"
        )),
        (0, _) => Some(format!("{entries} dropped so far to make room")),
        _ => Some(format!(
            "{packets} dropped so far because the table was full, and {entries} dropped to make room"
        )),
    }
}
