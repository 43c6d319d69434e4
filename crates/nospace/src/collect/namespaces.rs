//! Namespaces of each kind that visible processes live in.

use std::collections::BTreeSet;

use nospace_core::model::{NamespaceCount, Namespaces};

use super::mounts::{Walk, namespace};
use super::read;
use super::run::{Collected, Collection};
use crate::host::Host;

/// Kinds other than `mnt`, with the sysctl's word for each.
const KINDS: [(&str, &str); 6] = [
    ("net", "net"),
    ("pid", "pid"),
    ("user", "user"),
    ("ipc", "ipc"),
    ("uts", "uts"),
    ("cgroup", "cgroup"),
];

/// Up to so many processes all are asked; beyond, those that share pid 1's mount namespace are
/// taken to share the others: containers never do.
const ASK_ALL: usize = 500;

/// Counts distinct namespaces. One that lives on by a bind mount alone is not seen.
pub fn collect(host: &dyn Host, walk: &Walk) -> Collection<Namespaces> {
    let limit = |word: &str| read::sysctl(host, &format!("user.max_{word}_namespaces"));
    let initial = usize::from(walk.initial.is_some());
    let mounts = walk.namespaces.len().saturating_sub(initial) as u64;
    let mut kinds = vec![NamespaceCount {
        kind: "mnt".into(),
        used: mounts,
        limit: limit("mnt")?,
    }];
    let all = walk.pids.len() <= ASK_ALL;
    let asked = walk
        .pids
        .iter()
        .filter(|(pid, id)| all || *pid == 1 || Some(*id) != walk.initial);
    let asked: Vec<u32> = asked.map(|(pid, _)| *pid).collect();
    for (kind, word) in KINDS {
        // A kernel without this kind has no limit of it.
        let Ok(limit) = limit(word) else { continue };
        let distinct: BTreeSet<u64> = asked
            .iter()
            .filter_map(|pid| namespace(host, *pid, kind).ok())
            .collect();
        let used = distinct.len().saturating_sub(1) as u64;
        kinds.push(NamespaceCount {
            kind: kind.into(),
            used,
            limit,
        });
    }
    Ok(Collected::estimated(Namespaces { kinds }))
}
