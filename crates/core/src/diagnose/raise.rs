//! Raising the limits of inotify, by the knob that the user's namespace has.

use super::kind::Kind;
use super::remedy;
use crate::attribute::View;
use crate::model::INITIAL_USER_NAMESPACE;
use crate::plan::memory::MOST;
use crate::report::{Remedy, User};

/// Raises the limit that binds this user, with room for `more` besides what is in use.
pub fn raise(view: &View, kind: Kind, user: &User, more: u64) -> Vec<Remedy> {
    let budget = kind.budget(user);
    let wanted = budget.used.saturating_add(more);
    let limit = budget.limit.unwrap_or(0);
    let floor = kind.floor(view.snapshot.node.memory_bytes);
    let Some(value) = remedy::roomy(wanted, limit, floor, MOST) else {
        return Vec::new();
    };
    if user.user_namespace == INITIAL_USER_NAMESPACE {
        let key = format!("fs.inotify.max_user_{}", kind.knob());
        return remedy::sysctl(view, &key, &value.to_string(), &kind.cost(value));
    }
    let inside = view
        .snapshot
        .processes
        .iter()
        .find(|p| p.user.user_namespace == user.user_namespace);
    inside
        .map(|p| {
            let knob = kind.knob();
            remedy::remedy(
                format!(
                    "nsenter -t {} -U sysctl -w user.max_inotify_{knob}={value}",
                    p.pid
                ),
                format!(
                    "Takes effect at once, inside this user namespace alone; where its creator's \
                     fs.inotify.max_user_{knob} is what binds, that must be raised instead."
                ),
            )
        })
        .into_iter()
        .collect()
}
