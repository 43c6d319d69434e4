//! epoll watches of a user: ENOSPC from epoll_ctl(2).

use super::pressure::{self, share};
use super::sysctl::LONG_MAX;
use super::{Dependency, Limit, Raise, Refusal, Sysctl, errno::ENOSPC, remedy};
use crate::amount::thousands;
use crate::attribute::View;
use crate::cause::Cause;
use crate::model::Snapshot;
use crate::report::{Finding, Resource, Subject};

const SYSCTL: Sysctl = Sysctl {
    most: LONG_MAX,
    // epoll(7).
    ..Sysctl::int(
        "fs.epoll.max_user_watches",
        "each user",
        "raises the limit of each user; a watch costs about 160 bytes once it is used",
    )
    .costing(160)
};

pub const LIMIT: Limit = Limit {
    sysctls: &[SYSCTL],
    refusals: &[Refusal::of("epoll_ctl", ENOSPC)],
    collector: Some("epoll"),
    depends: &[Dependency::Processes],
    usage,
    sysctl_of: |_| Some(SYSCTL.key),
    findings,
    raise: Some(Raise {
        key: SYSCTL.key,
        to: 3_000_000,
        why: "more descriptors in epoll for each user",
    }),
    ..Limit::in_logs(
        Cause::EpollWatches,
        "A user has run out of epoll watches; no disk is full",
        include_str!("../../../../docs/causes/epoll-watches.md"),
    )
};

/// Each user that was seen to have some.
fn usage(snapshot: &Snapshot) -> Vec<Resource> {
    let Some(epoll) = &snapshot.epoll else {
        return Vec::new();
    };
    let limit = epoll.max_user_watches;
    let of = |uid, used| {
        Resource::exact(
            Cause::EpollWatches,
            Subject::uid(uid),
            used,
            limit,
            "watches",
        )
        .estimated()
    };
    epoll.users.iter().map(|u| of(u.uid, u.watches)).collect()
}

fn findings(view: &View) -> Vec<Finding> {
    pressure::pressed(view, Cause::EpollWatches)
        .map(|(resource, severity)| {
            let title = format!(
                "{} has used {} of {} epoll watches ({})",
                view.caption(&resource.subject),
                thousands(resource.used),
                thousands(resource.limit),
                share(resource)
            );
            let remedies = remedy::raise_sysctl(view, resource);
            pressure::finding((resource, severity), title, remedies)
        })
        .collect()
}
