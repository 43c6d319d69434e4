//! A user's inotify watches: ENOSPC from inotify_add_watch(2).

use super::kernel_memory::WATCH_BYTES;
use super::{Dependency, Limit, Raise, Refusal, Sysctl, errno::ENOSPC, inotify};
use crate::cause::Cause;
use crate::model::InotifyResource;

/// What is known of it.
pub const LIMIT: Limit = Limit {
    sysctls: &[
        Sysctl::int(
            "fs.inotify.max_user_watches",
            "each user",
            "raises the limit of every user of the node",
        )
        .costing(WATCH_BYTES),
        Sysctl::watched("user.max_inotify_watches", "each user of a user namespace"),
    ],
    refusals: &[Refusal::of("inotify_add_watch", ENOSPC)],
    collector: Some("inotify"),
    depends: &[Dependency::Ancestors, Dependency::Processes],
    findings: |view| inotify::pressed(view, InotifyResource::Watches),
    raise: Some(Raise {
        key: "fs.inotify.max_user_watches",
        to: 524_288,
        why: "gives every user more watches at once; an unused limit costs no memory",
    }),
    ..Limit::in_logs(
        Cause::InotifyWatches,
        "A user has run out of inotify watches; no disk is full",
        include_str!("../../../../docs/causes/inotify-watches.md"),
    )
};
