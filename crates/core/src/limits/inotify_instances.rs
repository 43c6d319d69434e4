//! A user's inotify instances: EMFILE from inotify_init1(2).

use super::kernel_memory::INSTANCE_BYTES;
use super::{Dependency, Limit, Raise, Refusal, Sysctl, errno::EMFILE, inotify};
use crate::cause::Cause;
use crate::model::InotifyResource;

/// What is known of it.
pub const LIMIT: Limit = Limit {
    sysctls: &[
        Sysctl::int(
            "fs.inotify.max_user_instances",
            "each user",
            "raises the limit of every user of the node",
        )
        .costing(INSTANCE_BYTES),
        Sysctl::watched(
            "user.max_inotify_instances",
            "each user of a user namespace",
        ),
    ],
    refusals: &[
        Refusal::of("inotify_init", EMFILE),
        Refusal::of("inotify_init1", EMFILE),
    ],
    collector: Some("inotify"),
    depends: &[Dependency::Ancestors, Dependency::Processes],
    findings: |view| inotify::pressed(view, InotifyResource::Instances),
    raise: Some(Raise {
        key: "fs.inotify.max_user_instances",
        to: 8_192,
        why: "gives every user more instances at once; an unused limit costs no memory",
    }),
    ..Limit::in_logs(
        Cause::InotifyInstances,
        "A user has run out of inotify instances",
        include_str!("../../../../docs/causes/inotify-instances.md"),
    )
};
