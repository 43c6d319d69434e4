//! epoll watches of a user: ENOSPC from epoll_ctl(2).

use super::pressure::{self, share};
use super::remedy;
use crate::attribute::View;
use crate::cause::Cause;
use crate::report::Finding;

pub fn find(view: &View) -> Vec<Finding> {
    pressure::pressed(view, Cause::EpollWatches)
        .map(|(resource, severity)| {
            let title = format!(
                "{} has used {} of {} epoll watches ({})",
                resource.subject,
                resource.used,
                resource.limit,
                share(resource)
            );
            let value = remedy::roomy(resource.used, resource.limit, 0, i64::MAX as u64);
            let remedies = value.map(|value| {
                let why =
                    "raises the limit of each user; a watch costs about 160 bytes once it is used";
                remedy::sysctl(view, "fs.epoll.max_user_watches", &value.to_string(), why)
            });
            pressure::finding(
                "epoll",
                (resource, severity),
                title,
                remedies.unwrap_or_default(),
            )
        })
        .collect()
}
