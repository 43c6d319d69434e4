//! Metadata space of a btrfs: ENOSPC with data space left.

use super::pressure::{self, share};
use super::remedy::{quote, remedy};
use super::{Command, Limit, Place, Refusal, errno::ENOSPC, filesystem, limit};
use crate::amount;
use crate::attribute::View;
use crate::cause::Cause;
use crate::report::{Finding, Remedy, Resource};

pub const LIMIT: Limit = Limit {
    refusals: &Refusal::of_each(filesystem::WRITES, ENOSPC, Place::OtherFilesystem),
    collector: Some("btrfs"),
    usage: |snapshot| limit::read(snapshot, Cause::BtrfsMetadata),
    findings,
    commands: &[
        Command::any(
            "btrfs filesystem usage MOUNTPOINT",
            "metadata used and total, and what is not allocated yet",
        ),
        Command::any(
            "btrfs balance start -dusage=10 MOUNTPOINT",
            "gives nearly empty data chunks back, so that metadata can grow",
        ),
    ],
    ..Limit::in_logs(
        Cause::BtrfsMetadata,
        "A btrfs has run out of metadata space; df still shows room",
        include_str!("../../../../docs/causes/btrfs-metadata.md"),
    )
};

fn findings(view: &View) -> Vec<Finding> {
    pressure::pressed(view, Cause::BtrfsMetadata)
        .map(|(resource, severity)| {
            let title = format!(
                "The btrfs on {} has {} left for metadata, of {} ({} used): without any, all writes fail with ENOSPC",
                resource.subject,
                amount::bytes(resource.limit.saturating_sub(resource.used)),
                amount::bytes(resource.limit),
                share(resource)
            );
            pressure::finding((resource, severity), title, remedies(resource))
        })
        .collect()
}

/// None where it is not known where it is mounted.
fn remedies(resource: &Resource) -> Vec<Remedy> {
    let place = resource.subject.to_string();
    let Some(place) = quote(&place).filter(|_| place.starts_with('/')) else {
        return Vec::new();
    };
    vec![
        remedy(
            format!("btrfs filesystem usage {place}"),
            "Shows what is allocated to data and how full that is.",
        ),
        remedy(
            format!("btrfs balance start -dusage=10 {place}"),
            "Gives nearly empty data chunks back, so that metadata can grow; repeat with 30 and 50.",
        ),
    ]
}
