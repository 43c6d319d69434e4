//! Limits that fs.inotify.* does not reach: those of other user namespaces.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attribute::View;
use crate::limits::raise;
use crate::model::InotifyResource;
use crate::report::{Remedy, UserRef, percent, thresholds};

/// A user of a user namespace whose own limit is what binds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceLimit {
    /// Who is refused, or soon will be.
    pub user: UserRef,
    /// The name of this user in the node's /etc/passwd; null where it has none, and where that file is not known to be the node's.
    pub user_name: Option<String>,
    /// The sysctl in that namespace.
    pub key: String,
    /// Amount in use.
    pub used: u64,
    /// Its limit.
    pub limit: u64,
    /// How to raise it there; tune does not enter other namespaces.
    pub remedies: Vec<Remedy>,
}

/// Every user outside the initial user namespace that is under pressure.
#[must_use]
pub fn namespaces(view: &View) -> Vec<NamespaceLimit> {
    let of = |resource: InotifyResource| {
        let users = view.users.iter();
        users.filter_map(move |user| {
            let budget = user.budget(resource);
            let limit = budget.limit?;
            let binds = !user.is_initial()
                && budget.used > 0
                && percent(budget.used, limit)
                    .is_none_or(|percent| percent >= thresholds::WARNING_PERCENT);
            binds.then(|| NamespaceLimit {
                user: UserRef {
                    uid: user.uid,
                    user_namespace: user.user_namespace,
                },
                user_name: view.snapshot.user_names.of(user.uid).map(str::to_owned),
                key: format!("user.max_inotify_{}", resource.unit()),
                used: budget.used,
                limit,
                remedies: raise(view, resource, user, 0),
            })
        })
    };
    InotifyResource::BOTH.into_iter().flat_map(of).collect()
}
