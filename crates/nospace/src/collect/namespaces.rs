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

/// Up to so many processes all are asked; beyond, one of each mount namespace, and those that
/// share it are taken to share the others: containers never share it, and asking costs as much as
/// all else.
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
    let asked: Vec<u32> = if walk.pids.len() <= ASK_ALL {
        walk.pids.clone()
    } else {
        walk.namespaces.values().map(|(pid, _)| *pid).collect()
    };
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
