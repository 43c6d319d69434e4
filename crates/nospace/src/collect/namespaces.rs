//! Namespaces of each kind that visible processes live in.

use std::collections::BTreeSet;

use anyhow::Context as _;
use nospace_core::model::{NamespaceCount, Namespaces};
use nospace_core::parse;

use super::mounts::{Walk, listed, namespace};
use super::networks::Networks;
use super::read;
use super::run::{CollectResult, Measurement};
use crate::host::{Host, ReadError, ReadResult, Tasks, proc};

/// Kinds other than `mnt`.
const KINDS: [&str; 7] = ["net", "pid", "user", "ipc", "uts", "cgroup", "time"];

/// Counts distinct namespaces by asking processes. One that lives on by a bind mount alone is not seen.
pub fn collect(
    host: &dyn Host,
    walk: &ReadResult<Walk>,
    networks: &Networks,
) -> CollectResult<Namespaces> {
    let walk = listed(walk)?;
    let mut partial = walk.is_partial() || networks.is_partial();
    let initial = usize::from(walk.initial.is_some());
    let mounts = walk.namespaces.len().saturating_sub(initial) as u64;
    let mut kinds = vec![mounts_count(host, mounts)?];
    let asked = walk.asked();
    for kind in KINDS {
        // A kernel without this kind has no limit of it.
        let Some(limit) = limit(host, kind)? else {
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

/// As the kernel's account has them: not even root can read the namespaces of a process that a security module protects.
pub fn of_tasks(host: &dyn Host, tasks: &Tasks) -> CollectResult<Namespaces> {
    let mounts = tasks.mounts.len().saturating_sub(1) as u64;
    let mut kinds = vec![mounts_count(host, mounts)?];
    for kind in KINDS {
        if let (Some(all), Some(limit)) = (tasks.others.get(kind), limit(host, kind)?) {
            kinds.push(NamespaceCount {
                kind: kind.into(),
                used: all.saturating_sub(1),
                limit,
            });
        }
    }
    Ok(Measurement::estimated(Namespaces { kinds }))
}

fn mounts_count(host: &dyn Host, used: u64) -> anyhow::Result<NamespaceCount> {
    Ok(NamespaceCount {
        kind: "mnt".into(),
        used,
        limit: limit(host, "mnt")?.context("user.max_mnt_namespaces is missing")?,
    })
}

/// `user.max_KIND_namespaces`; `None` where there is none.
fn limit(host: &dyn Host, kind: &str) -> anyhow::Result<Option<u64>> {
    let path = read::sysctl_path(&format!("user.max_{kind}_namespaces"));
    read::optional(host, proc(&path), |bytes| parse::number("sysctl", bytes))
}
