//! What the kernel's account says of limits other than inotify's, in the model's types.

use std::collections::BTreeMap;

use nospace_bpf::accounting::{self as bpf, Accounting, NearLimit as Kind};
use nospace_core::model::{Accounts, FanotifyUser, NamespaceUse, NearKind, NearLimit};

use super::account_key::{key, limit};

/// Processes that are kept by pid of those that have the same limit.
const KEPT: usize = 10;

/// Of limits that many processes have, each once.
pub fn convert(accounting: &Accounting) -> Accounts {
    Accounts {
        fanotify: accounting
            .features
            .fanotify
            .then(|| accounting.fanotify.iter().map(fanotify).collect()),
        fanotify_holders: fanotify_holders(&accounting.fanotify_holders),
        rlimits: accounting.features.rlimits,
        mappings: false,
        near: near(&accounting.near),
        queues: queues(&accounting.namespaces),
        pids: pids(&accounting.namespaces),
        depth: accounting
            .namespaces
            .iter()
            .map(|one| one.level)
            .max()
            .unwrap_or(0),
    }
}

fn fanotify(user: &bpf::FanotifyUser) -> FanotifyUser {
    FanotifyUser {
        key: key(user.key),
        groups: user.groups.used,
        groups_limit: limit(&user.groups),
        marks: user.marks.used,
        marks_limit: limit(&user.marks),
    }
}

/// Groups of each process; one that several have counts for the first.
fn fanotify_holders(holders: &[(u64, u32)]) -> Vec<(u32, u64)> {
    let mut counts = BTreeMap::<u32, u64>::new();
    let mut last = None;
    for (group, pid) in holders {
        if last.replace(group) != Some(group) {
            *counts.entry(*pid).or_default() += 1;
        }
    }
    counts.into_iter().collect()
}

fn near(all: &[bpf::Near]) -> Vec<NearLimit> {
    let mut groups: Vec<NearLimit> = Vec::new();
    let mut places = BTreeMap::new();
    for one in all {
        let kind = match one.limit_kind {
            Kind::Processes => NearKind::Processes,
            Kind::QueueBytes => NearKind::QueueBytes,
            Kind::LockedByUser => NearKind::LockedByUser,
            Kind::LockedByKernel => NearKind::LockedByKernel,
            Kind::Locked => NearKind::Locked,
            Kind::Mappings => NearKind::Mappings,
        };
        let of_process = matches!(kind, NearKind::Locked | NearKind::Mappings);
        let user = key(one.key);
        let place = (kind, user, one.limit, of_process.then_some(one.pid));
        let index = *places.entry(place).or_insert(groups.len());
        if index == groups.len() {
            groups.push(NearLimit {
                kind,
                user,
                used: one.used,
                limit: one.limit,
                processes: 0,
                pids: Vec::new(),
            });
        }
        let group = &mut groups[index];
        group.used = group.used.max(one.used);
        group.processes += 1;
        // 0 is a process that this pid namespace does not have.
        if one.pid != 0 && group.pids.len() < KEPT {
            group.pids.push(one.pid);
        }
    }
    groups
}

/// Those of ipc namespaces that have queues.
fn queues(of_tasks: &[bpf::Namespaces]) -> Vec<NamespaceUse> {
    let all = of_tasks.iter().filter_map(|one| {
        let (used, limit) = one.queues.filter(|(used, _)| *used > 0)?;
        Some((inode(one, "ipc"), one.pid, used, limit))
    });
    by_namespace(all)
}

/// Those of pid namespaces that have a limit of their own, other than the initial one, of which kernel.pid_max says everything.
fn pids(of_tasks: &[bpf::Namespaces]) -> Vec<NamespaceUse> {
    /// `PROC_PID_INIT_INO` (include/linux/proc_ns.h).
    const INITIAL: u64 = 4_026_531_836;
    let all = of_tasks.iter().filter_map(|one| {
        let (id, used, limit) = one.pids?;
        (id != INITIAL).then_some((id, one.pid, used, limit))
    });
    by_namespace(all)
}

fn inode(one: &bpf::Namespaces, kind: &str) -> u64 {
    let mut others = one.others.iter();
    others
        .find(|(name, _)| *name == kind)
        .map_or(0, |(_, id)| *id)
}

/// Each namespace once, with the lowest pid that lives in it.
fn by_namespace(all: impl Iterator<Item = (u64, u32, u64, u64)>) -> Vec<NamespaceUse> {
    let mut of = BTreeMap::<u64, NamespaceUse>::new();
    for (id, pid, used, limit) in all {
        let known = of.entry(id).or_insert(NamespaceUse {
            id,
            pid,
            used,
            limit,
        });
        if pid != 0 && (known.pid == 0 || pid < known.pid) {
            known.pid = pid;
        }
    }
    of.into_values().collect()
}
