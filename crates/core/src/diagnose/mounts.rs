//! Mounts of a mount namespace: ENOSPC from mount(2), which reads like a full disk.

use super::pressure::{self, share};
use super::remedy::{self, remedy};
use super::words;
use crate::attribute::View;
use crate::cause::Cause;
use crate::report::{Finding, Resource};

pub fn find(view: &View) -> Vec<Finding> {
    pressure::pressed(view, Cause::MountLimit)
        .map(|(resource, severity)| {
            let title = format!(
                "{} has {} of {} mounts ({}): mount fails with \"no space left on device\"",
                resource.subject,
                resource.used,
                resource.limit,
                share(resource)
            );
            let value = remedy::roomy(resource.used, resource.limit, 100_000, i32::MAX as u64);
            let mut remedies = value
                .map(|value| {
                    let why = "raises the limit of every mount namespace";
                    remedy::sysctl(view, "fs.mount-max", &value.to_string(), why)
                })
                .unwrap_or_default();
            let pid = pid(view, resource);
            remedies.extend(pid.map(|pid| {
                remedy(
                    format!("cut -d' ' -f5 /proc/{pid}/mountinfo | cut -d/ -f1-5 | sort | uniq -c | sort -n | tail"),
                    "Shows where the mounts are.",
                )
            }));
            Finding {
                culprits: pid.map(|pid| words::process(view, pid)).into_iter().collect(),
                victims: vec!["whoever starts a container or mounts a volume there".to_owned()],
                ..pressure::finding("mounts", (resource, severity), title, remedies)
            }
        })
        .collect()
}

fn pid(view: &View, resource: &Resource) -> Option<u32> {
    let mounts = view.snapshot.mounts.as_ref()?;
    let of = |id: u64, pid: u32| format!("mount namespace {id} (pid {pid})") == resource.subject;
    mounts
        .namespaces
        .iter()
        .find(|n| of(n.id, n.pid))
        .map(|n| n.pid)
}
