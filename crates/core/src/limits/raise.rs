//! Raising the limits of inotify, by the sysctl that the user's namespace has.

use super::command::never_lower;
use super::recommended::{cost, recommended};
use super::remedy;
use super::sysctl::suggest_limit;
use crate::attribute::View;
use crate::model::{InotifyResource, Program};
use crate::report::{Remedy, User};

/// Raises the limit that binds this user, with room for `more` besides what is in use.
pub fn raise(view: &View, resource: InotifyResource, user: &User, more: u64) -> Vec<Remedy> {
    let budget = user.budget(resource);
    let memory = view.snapshot.node.memory_bytes;
    let key = format!("fs.inotify.max_user_{}", resource.unit());
    let most = super::sysctl(&key).map_or(0, |sysctl| sysctl.affordable(memory));
    let wanted = budget.used.saturating_add(more);
    let raise = |limit| suggest_limit(wanted, limit, recommended(resource, memory), most);
    // Where the limit is not known, any value may be less than that.
    let Some(limit) = budget.limit else {
        return Vec::new();
    };
    let node = view.snapshot.limits.as_ref().map(|l| l.max_user(resource));
    // In a child namespace a limit that is not below the node's own is the node's: every ancestor is charged.
    if user.is_initial() || node.is_some_and(|node| limit >= node) {
        let value = raise(limit.max(node.unwrap_or(0)));
        let raise =
            |value: u64| remedy::sysctl(view, &key, &value.to_string(), &cost(resource, value));
        return value.map_or_else(Vec::new, raise);
    }
    let inside = raise(limit).and_then(|value| inside(view, resource, user, value));
    inside.into_iter().collect()
}

/// Raises the limit that the user's own namespace has.
fn inside(view: &View, resource: InotifyResource, user: &User, value: u64) -> Option<Remedy> {
    let key = format!("user.max_inotify_{}", resource.unit());
    // An ancestor between it and the node may be what binds, and its own limit higher: never lower that.
    let raise = never_lower(&key, value);
    if view.environment().is_some() && !view.has(Program::Sh) {
        return None;
    }
    let own = view.snapshot.vantage.user_namespace;
    let command = if own == Some(user.user_namespace) {
        view.may_write(&key).then_some(raise)?
    } else {
        let mut processes = view.snapshot.processes.iter();
        let inside = processes.find(|p| p.user.user_namespace == user.user_namespace)?;
        format!(
            "nsenter -t {} -U sh -c {}",
            inside.pid,
            remedy::quote(&raise)?
        )
    };
    let why = "Takes effect at once, inside this user namespace alone; the limits of those that it is nested in hold as well.";
    Some(remedy::remedy(command, why))
}
