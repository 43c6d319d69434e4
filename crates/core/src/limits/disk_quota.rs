//! A quota of a user, group or project on a file system: EDQUOT, or ENOSPC on XFS.

use super::pressure::{self, at_limit, share};
use super::remedy::{quote, remedy};
use super::{
    Command, Limit, Place, Refusal, describe,
    errno::{EDQUOT, ENOSPC},
    filesystem, limit,
};
use crate::attribute::View;
use crate::cause::Cause;
use crate::report::Finding;

pub const LIMIT: Limit = Limit {
    // A quota of a project on XFS is a full disk to the caller.
    refusals: &Refusal::join::<32, 32, 64>(
        Refusal::of_each(filesystem::WRITES, EDQUOT, Place::Anywhere),
        Refusal::of_each(filesystem::WRITES, ENOSPC, Place::OtherFilesystem),
    ),
    collector: Some("quotas"),
    usage: |snapshot| limit::read(snapshot, Cause::DiskQuota),
    findings,
    commands: &[
        Command::any(
            "df -h DIRECTORY; df -i DIRECTORY",
            "a directory with a project quota shows the quota as its size",
        ),
        Command::any(
            "quota -s; repquota -as",
            "quotas of users and groups, where quota is installed; the soft limit refuses too after its grace time",
        ),
    ],
    ..Limit::in_logs(
        Cause::DiskQuota,
        "A quota on a file system is used up; the file system itself may have room",
        include_str!("../../../../docs/causes/disk-quota.md"),
    )
};

fn findings(view: &View) -> Vec<Finding> {
    pressure::pressed(view, Cause::DiskQuota)
        .map(|(resource, severity)| {
            let title = format!(
                "The project quota of {} is used: {} ({}): {}writes fail with EDQUOT, or with ENOSPC on XFS",
                resource.subject,
                describe::used_of(resource.used, resource.limit, &resource.unit),
                share(resource),
                at_limit(resource)
            );
            let place = quote(&resource.subject.to_string());
            let remedies = place.map(|place| {
                remedy(
                    format!("du -xh -d 2 {place} | sort -h | tail -20"),
                    "Shows what takes the space; delete it, or have the quota raised.",
                )
            });
            Finding {
                victims: vec![format!("writes below {}", resource.subject)],
                ..pressure::finding((resource, severity), title, remedies.into_iter().collect())
            }
        })
        .collect()
}
