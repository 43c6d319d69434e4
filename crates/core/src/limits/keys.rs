//! Kernel keys of a user: EDQUOT, "disk quota exceeded".

use super::pressure::{self, share};
use super::{Command, Limit, Refusal, Sysctl, errno::EDQUOT, remedy};
use crate::amount::thousands;
use crate::attribute::View;
use crate::cause::Cause;
use crate::model::Snapshot;
use crate::report::{Finding, Resource, Subject};

const EFFECT: &str = "raises the quota of each user";

pub const LIMIT: Limit = Limit {
    // `struct key` and a description.
    sysctls: &[
        Sysctl::int("kernel.keys.maxkeys", "each user", EFFECT).costing(320),
        Sysctl::int("kernel.keys.maxbytes", "each user", EFFECT).costing(1),
        Sysctl::int("kernel.keys.root_maxkeys", "root", EFFECT).costing(320),
        Sysctl::int("kernel.keys.root_maxbytes", "root", EFFECT).costing(1),
    ],
    refusals: &[
        Refusal::of("add_key", EDQUOT),
        Refusal::of("keyctl", EDQUOT),
    ],
    collector: Some("keys"),
    usage,
    sysctl_of,
    findings,
    commands: &[Command::any(
        "cat /proc/key-users; grep . /proc/sys/kernel/keys/maxkeys /proc/sys/kernel/keys/root_maxkeys",
        "keys of each user against the limits; raise the one that is used up",
    )],
    ..Limit::in_logs(
        Cause::Keys,
        "A user has run out of kernel keys; no disk quota is involved",
        include_str!("../../../../docs/causes/keys.md"),
    )
};

/// Keys, and bytes in them, of each user.
fn usage(snapshot: &Snapshot) -> Vec<Resource> {
    let users = snapshot.keys.iter().flat_map(|keys| &keys.users);
    users
        .flat_map(|user| {
            let of = |used, limit, unit| {
                Resource::exact(Cause::Keys, Subject::uid(user.uid), used, limit, unit)
            };
            [
                of(user.keys, user.max_keys, "keys"),
                of(user.bytes, user.max_bytes, "bytes"),
            ]
        })
        .collect()
}

fn sysctl_of(resource: &Resource) -> Option<&'static str> {
    Some(
        match (resource.subject == Subject::uid(0), resource.unit.as_str()) {
            (true, "bytes") => "kernel.keys.root_maxbytes",
            (true, _) => "kernel.keys.root_maxkeys",
            (false, "bytes") => "kernel.keys.maxbytes",
            (false, _) => "kernel.keys.maxkeys",
        },
    )
}

fn findings(view: &View) -> Vec<Finding> {
    pressure::pressed(view, Cause::Keys)
        .map(|(resource, severity)| {
            let what = if resource.unit == "bytes" {
                "bytes of kernel keys"
            } else {
                "kernel keys"
            };
            let title = format!(
                "{} has used {} of {} {what} ({})",
                view.caption(&resource.subject),
                thousands(resource.used),
                thousands(resource.limit),
                share(resource)
            );
            Finding {
                victims: vec![format!(
                    "containers that start as {}: \"create session key: disk quota exceeded\"",
                    view.caption(&resource.subject)
                )],
                ..pressure::finding(
                    (resource, severity),
                    title,
                    remedy::raise_sysctl(view, resource),
                )
            }
        })
        .collect()
}
