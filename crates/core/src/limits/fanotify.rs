//! fanotify groups and marks of a user: EMFILE from fanotify_init(2), ENOSPC from fanotify_mark(2).

use super::pressure::{self, at_limit, share};
use super::{
    Command, Dependency, Limit, Refusal, Sysctl, blame,
    errno::{EMFILE, ENOSPC},
    limit, remedy,
};
use crate::amount::thousands;
use crate::attribute::View;
use crate::cause::Cause;
use crate::model::{Program, Snapshot};
use crate::report::{Blame, Finding, Resource, Subject};

const EFFECT: &str = "raises the limit of every user of the node";
const GROUPS: &str = "fs.fanotify.max_user_groups";
const MARKS: &str = "fs.fanotify.max_user_marks";

pub const LIMIT: Limit = Limit {
    refusals: &[
        Refusal::of("fanotify_init", EMFILE),
        Refusal::of("fanotify_mark", ENOSPC),
    ],
    sysctls: &[
        Sysctl {
            floor: 1_024,
            ..Sysctl::int(GROUPS, "each user", EFFECT)
        },
        // A mark and two inodes (`FANOTIFY_MARK_COST`, fs/notify/fanotify/fanotify_user.c).
        Sysctl::int(MARKS, "each user", EFFECT).costing(1_408),
    ],
    collector: Some("fanotify"),
    depends: &[Dependency::Ancestors, Dependency::Processes],
    usage,
    sysctl_of,
    findings,
    commands: &[
        Command::with(
            Program::Sysctl,
            "sysctl fs.fanotify.max_user_groups fs.fanotify.max_user_marks",
            "groups and marks that each user may have; raise the one that is used up",
        ),
        Command::any(
            "ls -l /proc/[0-9]*/fd 2>/dev/null | grep 'anon_inode:.fanotify'",
            "the groups that are open; restart a program that leaks them",
        ),
    ],
    ..Limit::in_logs(
        Cause::Fanotify,
        "A user has run out of fanotify groups or marks; no disk is full, and no process has too many files open",
        include_str!("../../../../docs/causes/fanotify.md"),
    )
};

/// Groups and marks of each user that has some.
fn usage(snapshot: &Snapshot) -> Vec<Resource> {
    let accounts = snapshot.accounts.iter();
    let users = accounts.flat_map(|accounts| accounts.fanotify.iter().flatten());
    users
        .flat_map(|user| {
            let of = |used, limit, unit| {
                let subject = Subject::User(user.key);
                Resource::exact(Cause::Fanotify, subject, used, limit, unit)
            };
            [
                of(user.groups, user.groups_limit, "groups"),
                of(user.marks, user.marks_limit, "marks"),
            ]
        })
        .collect()
}

/// In a user namespace another one than the node's may bind.
fn sysctl_of(resource: &Resource) -> Option<&'static str> {
    match &resource.subject {
        Subject::User(user) if !user.is_initial() => None,
        _ if resource.unit == "groups" => Some(GROUPS),
        _ => Some(MARKS),
    }
}

fn findings(view: &View) -> Vec<Finding> {
    pressure::pressed(view, Cause::Fanotify)
        .map(|(resource, severity)| {
            let is_groups = resource.unit == "groups";
            let fails = if is_groups {
                "fanotify_init fails with \"too many open files\""
            } else {
                "fanotify_mark fails with \"no space left on device\""
            };
            let title = format!(
                "{} has {} of {} fanotify {} ({}): {}{fails}",
                view.caption(&resource.subject),
                thousands(resource.used),
                thousands(resource.limit),
                resource.unit,
                share(resource),
                at_limit(resource)
            );
            let held = limit::held(view.snapshot, Cause::Fanotify);
            let blame = if is_groups {
                blame::of_processes(view, &held, resource.limit, &resource.unit)
            } else {
                Blame::Unknown
            };
            let remedies = remedy::raise_sysctl(view, resource);
            Finding {
                blame,
                victims: vec![format!(
                    "virus scanners, container monitors and runtimes that start as {}",
                    view.caption(&resource.subject)
                )],
                ..pressure::finding((resource, severity), title, remedies)
            }
        })
        .collect()
}
