//! Kernel keys of a user: EDQUOT, "disk quota exceeded".

use super::pressure::{self, share};
use super::remedy;
use crate::attribute::View;
use crate::cause::Cause;
use crate::report::Finding;

pub fn find(view: &View) -> Vec<Finding> {
    pressure::pressed(view, Cause::Keys)
        .map(|(resource, severity)| {
            let what = if resource.unit == "bytes" {
                "bytes of kernel keys"
            } else {
                "kernel keys"
            };
            let title = format!(
                "{} has used {} of {} {what} ({})",
                resource.subject,
                resource.used,
                resource.limit,
                share(resource)
            );
            let root = if resource.subject == "uid 0" {
                "root_"
            } else {
                ""
            };
            let key = format!("kernel.keys.{root}max{}", resource.unit);
            let value = remedy::roomy(resource.used, resource.limit, 0, i32::MAX as u64);
            let remedies = value.map(|value| {
                remedy::sysctl(
                    view,
                    &key,
                    &value.to_string(),
                    "raises the quota of each user",
                )
            });
            Finding {
                victims: vec![format!(
                    "containers that start as {}: \"create session key: disk quota exceeded\"",
                    resource.subject
                )],
                ..pressure::finding(
                    "keys",
                    (resource, severity),
                    title,
                    remedies.unwrap_or_default(),
                )
            }
        })
        .collect()
}
