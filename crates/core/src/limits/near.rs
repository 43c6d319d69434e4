//! Limits of processes that the kernel's accounting found nearly used up.

use std::collections::BTreeMap;

use super::{describe, remedy::remedy};
use crate::attribute::View;
use crate::cause::Cause;
use crate::model::{NearKind, NearLimit, Snapshot, UserKey};
use crate::report::{Remedy, Resource, Subject};

/// Processes that are named.
const NAMED: usize = 5;

/// Who is near a limit of this kind.
fn all(snapshot: &Snapshot, kind: NearKind) -> impl Iterator<Item = &NearLimit> {
    let near = snapshot.accounts.iter().flat_map(|accounts| &accounts.near);
    near.filter(move |one| one.kind == kind)
}

/// The budgets of users: of limits that differ, the one that most of the user's processes have.
pub fn of_users(
    snapshot: &Snapshot,
    kinds: &[NearKind],
    cause: Cause,
    unit: &str,
) -> Vec<Resource> {
    let mut of_user = BTreeMap::<UserKey, &NearLimit>::new();
    for one in kinds.iter().flat_map(|kind| all(snapshot, *kind)) {
        let known = of_user.entry(one.user).or_insert(one);
        if one.processes > known.processes {
            *known = one;
        }
    }
    let resource = |(user, one): (UserKey, &NearLimit)| {
        let processes = describe::count(one.processes, "process has", "processes have");
        Resource {
            note: Some(format!("{processes} this limit")),
            ..Resource::exact(cause, Subject::User(user), one.used, one.limit, unit)
        }
    };
    of_user.into_iter().map(resource).collect()
}

/// The budgets of processes.
pub fn of_processes(
    snapshot: &Snapshot,
    kind: NearKind,
    cause: Cause,
    unit: &str,
) -> Vec<Resource> {
    let comm = |pid| {
        let mut known = snapshot.processes.iter();
        known
            .find(|process| process.pid == pid)
            .map_or_else(|| "process".to_owned(), |process| process.comm.clone())
    };
    let resource = |one: &NearLimit| {
        let pid = *one.pids.first()?;
        let subject = Subject::Process {
            comm: comm(pid),
            pid,
            unit: None,
        };
        Some(Resource::exact(cause, subject, one.used, one.limit, unit))
    };
    all(snapshot, kind).filter_map(resource).collect()
}

/// The processes that this budget refuses.
pub fn pids(view: &View, kinds: &[NearKind], resource: &Resource) -> Vec<u32> {
    let is_it = |one: &&NearLimit| match &resource.subject {
        Subject::User(user) => one.user == *user && one.limit == resource.limit,
        Subject::Process { pid, .. } => one.pids.contains(pid),
        _ => false,
    };
    let near = kinds.iter().flat_map(|kind| all(view.snapshot, *kind));
    near.filter(is_it)
        .flat_map(|one| &one.pids)
        .copied()
        .collect()
}

/// Names processes.
pub fn names(view: &View, pids: &[u32]) -> String {
    describe::list(
        pids.iter()
            .map(|pid| describe::process(view, *pid))
            .collect(),
        NAMED,
    )
}

/// Raises a resource limit of the first of these processes, `name` being that of prlimit(1)'s option.
pub fn raise(pids: &[u32], name: &str, resource: &Resource, setting: &str) -> Vec<Remedy> {
    let value = super::suggest_limit(resource.used, resource.limit, 0, i64::MAX.unsigned_abs());
    let of_process = |(value, pid): (u64, &u32)| {
        remedy(
            format!("prlimit --pid {pid} --{name}={value}:{value}"),
            format!("Raises the limit of the running process; {setting} keeps it."),
        )
    };
    value
        .zip(pids.first())
        .map(of_process)
        .into_iter()
        .collect()
}
