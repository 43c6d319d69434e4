//! Namespaces of each kind that visible processes live in.

use std::collections::BTreeSet;

use anyhow::Context as _;
use nospace_core::model::{NamespaceCount, Namespaces, Snapshot};
use nospace_core::parse;

use super::mounts::{Walk, listed, namespace};
use super::networks::{Networks, UNKNOWN_NETWORKS};
use super::read;
use super::run::{CollectResult, Measurement};
use crate::host::{Host, ReadError, ReadResult, TaskNamespaces, proc};

/// Kinds other than `mnt`, with the sysctl's word for each.
const KINDS: [(&str, &str); 7] = [
    ("net", "net"),
    ("pid", "pid"),
    ("user", "user"),
    ("ipc", "ipc"),
    ("uts", "uts"),
    ("cgroup", "cgroup"),
    ("time", "time"),
];

/// Counts distinct namespaces. One that lives on by a bind mount alone is not seen.
pub fn collect(
    host: &dyn Host,
    walk: &ReadResult<Walk>,
    networks: &Networks,
) -> CollectResult<Namespaces> {
    let walk = listed(walk)?;
    let mut partial = walk.is_partial() || networks.is_partial();
    let initial = usize::from(walk.initial.is_some());
    let mounts = walk.namespaces.len().saturating_sub(initial) as u64;
    let mut kinds = vec![NamespaceCount {
        kind: "mnt".into(),
        used: mounts,
        limit: limit(host, "mnt")?.context("user.max_mnt_namespaces is missing")?,
    }];
    let asked = walk.asked();
    for (kind, word) in KINDS {
        // A kernel without this kind has no limit of it.
        let Some(limit) = limit(host, word)? else {
            continue;
        };
        if kind == "net" {
            let used = networks.all.len().saturating_sub(1) as u64;
            let kind = kind.into();
            kinds.push(NamespaceCount { kind, used, limit });
            continue;
        }
        let mut distinct = BTreeSet::new();
        for pid in &asked {
            match namespace(host, *pid, kind) {
                Ok(id) => {
                    distinct.insert(id);
                }
                Err(ReadError::Gone) => {}
                Err(_) => partial = true,
            }
        }
        let used = distinct.len().saturating_sub(1) as u64;
        kinds.push(NamespaceCount {
            kind: kind.into(),
            used,
            limit,
        });
    }
    Ok(Measurement::estimated(Namespaces { kinds })
        .partial(partial)
        .blind(walk.is_blind()))
}

/// Puts what the kernel knows of all processes in place of what /proc showed: not even root can read the namespaces of a process that a
/// security module protects.
pub fn complete(snapshot: &mut Snapshot, known: TaskNamespaces) {
    if known.is_empty() {
        return;
    }
    complete_networks(snapshot, &known);
    let mounts = known.mounts.len() as u64 - 1;
    for one in snapshot.namespaces.iter_mut().flat_map(|n| &mut n.kinds) {
        let used = match one.kind.as_str() {
            "mnt" => Some(mounts),
            kind => known.others.get(kind).map(|all| all - 1),
        };
        one.used = used.unwrap_or(one.used);
    }
    if let Some(mounts) = &mut snapshot.mounts {
        mounts.namespaces = known.mounts;
    }
    let runs = snapshot.collectors.iter_mut();
    for run in runs.filter(|run| ["mounts", "namespaces"].contains(&run.name.as_str())) {
        "ebpf".clone_into(&mut run.source);
        run.gaps.clear();
        run.partial = false;
        run.blind = false;
    }
}

/// Where processes that could not be asked live in no other network namespace than the rest, nothing was missed.
fn complete_networks(snapshot: &mut Snapshot, known: &TaskNamespaces) {
    let mut kinds = snapshot.namespaces.iter().flat_map(|n| &n.kinds);
    let seen = kinds.find(|one| one.kind == "net").map(|one| one.used + 1);
    if seen.is_none() || known.others.get("net") != seen.as_ref() {
        return;
    }
    for run in &mut snapshot.collectors {
        let gaps = run.gaps.len();
        run.gaps.retain(|gap| !gap.starts_with(UNKNOWN_NETWORKS));
        if run.gaps.len() < gaps {
            run.partial = !run.gaps.is_empty();
        }
    }
}

/// `user.max_KIND_namespaces`; `None` where there is none.
fn limit(host: &dyn Host, kind: &str) -> anyhow::Result<Option<u64>> {
    let path = read::sysctl_path(&format!("user.max_{kind}_namespaces"));
    read::optional(host, proc(&path), |bytes| parse::number("sysctl", bytes))
}
