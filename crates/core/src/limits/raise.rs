//! Raising the limits of inotify, by the sysctl that the user's namespace has.

use super::recommended::{cost, recommended};
use super::remedy;
use super::sysctl::{INT_MAX, suggest_limit};
use crate::attribute::View;
use crate::model::InotifyResource;
use crate::report::{Remedy, User};

/// Raises the limit that binds this user, with room for `more` besides what is in use.
pub fn raise(view: &View, resource: InotifyResource, user: &User, more: u64) -> Vec<Remedy> {
    let budget = user.budget(resource);
    let wanted = budget.used.saturating_add(more);
    let limit = budget.limit.unwrap_or(0);
    let floor = recommended(resource, view.snapshot.node.memory_bytes);
    let Some(value) = suggest_limit(wanted, limit, floor, INT_MAX) else {
        return Vec::new();
    };
    let unit = resource.unit();
    if user.is_initial() {
        let key = format!("fs.inotify.max_user_{unit}");
        return remedy::sysctl(view, &key, &value.to_string(), &cost(resource, value));
    }
    let mut processes = view.snapshot.processes.iter();
    let inside = processes.find(|p| p.user.user_namespace == user.user_namespace);
    inside
        .map(|p| {
            remedy::remedy(
                format!(
                    "nsenter -t {} -U sysctl -w user.max_inotify_{unit}={value}",
                    p.pid
                ),
                format!(
                    "Takes effect at once, inside this user namespace alone; if its creator's \
                     fs.inotify.max_user_{unit} is what binds, raise that instead."
                ),
            )
        })
        .into_iter()
        .collect()
}
