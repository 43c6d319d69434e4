//! Guards: who is refused below the limit.

use std::cmp::Reverse;

use super::account::{Accounts, running, runs_as_root};
use crate::amount::thousands;
use crate::model::{Guard, InotifyResource, UserKey};
use crate::report::{GuardLine, Report, Speaker, Subject};

/// What guards mean for the programs of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// None refuses them anything now.
    No,
    /// One refuses them: in words.
    Refused(String),
    /// One refuses pods, and whether they run in one is not known: in words.
    Perhaps(String),
}

/// What the guards of the node mean for `programs`, which are charged as `accounts`.
pub fn held(
    resource: InotifyResource,
    programs: &[String],
    accounts: &Accounts,
    report: &Report,
) -> Held {
    let root = UserKey::initial(0);
    let Some(user) = report.users.iter().find(|user| user.key() == root) else {
        return Held::No;
    };
    let guards = report.guards.iter().flat_map(|guards| &guards.running);
    let lines = guards.filter_map(|guard| GuardLine::by(guard, user, resource));
    let mut reached: Vec<GuardLine> = lines.filter(GuardLine::is_reached).collect();
    reached.sort_by_key(|line| Reverse(line.kept));
    let charged = accounts.include(&Subject::User(root), report);
    let Some(first) = reached.first().filter(|_| charged != Some(false)) else {
        return Held::No;
    };
    let says = format!(
        "{}, and refuses pods from {} {} on",
        first.words(),
        thousands(first.at()),
        resource.noun(),
    );
    let guards: Vec<&Guard> = reached.iter().map(|line| line.guard).collect();
    let each: Vec<Option<bool>> = programs
        .iter()
        .map(|program| is_held(program, &guards, report))
        .collect();
    if !each.is_empty() && each.iter().all(|one| *one == Some(false)) {
        Held::No
    } else if !each.is_empty() && charged == Some(true) && each.iter().all(|one| *one == Some(true))
    {
        Held::Refused(format!("{says}: the guard refused this, and not the limit"))
    } else {
        Held::Perhaps(format!("{says}; whether this was a pod is not known"))
    }
}

/// The budget of which pods get no more, while the node has what a guard keeps.
pub fn full_for_pods(resource: InotifyResource, report: &Report) -> Option<Subject> {
    let root = UserKey::initial(0);
    let user = report.users.iter().find(|user| user.key() == root)?;
    let line = GuardLine::of(report.guards.as_ref(), user, resource)?;
    (line.is_reached() && line.is_intact()).then(|| user.subject())
}

/// Whether all processes of `program` are refused by one of `guards`, or none; `None` where that is not known.
fn is_held(program: &str, guards: &[&Guard], report: &Report) -> Option<bool> {
    let all: Vec<&Speaker> = running(program, report).collect();
    let each = || all.iter().map(|one| of_process(one, guards));
    match all.is_empty() {
        true => runs_as_root(program).then_some(false),
        false if each().all(|one| one == Some(true)) => Some(true),
        // Of most programs only those processes are known that hold something: others may be in pods.
        false if runs_as_root(program) && each().all(|one| one == Some(false)) => Some(false),
        false => None,
    }
}

fn of_process(process: &Speaker, guards: &[&Guard]) -> Option<bool> {
    if !process.in_pods {
        return Some(false);
    }
    // A pod that the guard knows no namespace of may use all.
    let namespace = process.namespace.as_deref()?;
    let each: Vec<Option<bool>> = guards.iter().map(|one| one.holds_for(namespace)).collect();
    if each.contains(&Some(true)) {
        Some(true)
    } else if each.contains(&None) {
        None
    } else {
        Some(false)
    }
}
