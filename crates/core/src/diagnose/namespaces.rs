//! Namespaces of one kind: ENOSPC from clone(2) and unshare(2).

use super::pressure::{self, share};
use super::remedy;
use crate::attribute::View;
use crate::cause::Cause;
use crate::report::Finding;

pub fn find(view: &View) -> Vec<Finding> {
    pressure::pressed(view, Cause::NamespaceLimit)
        .map(|(resource, severity)| {
            let title = format!(
                "{} namespaces are in use, {} allows {} for each user ({})",
                resource.used,
                resource.subject,
                resource.limit,
                share(resource)
            );
            let value = remedy::roomy(resource.used, resource.limit, 0, i32::MAX as u64);
            let remedies = value.map(|value| {
                let why = "raises the limit of every user of this user namespace";
                remedy::sysctl(view, &resource.subject, &value.to_string(), why)
            });
            pressure::finding(
                "namespaces",
                (resource, severity),
                title,
                remedies.unwrap_or_default(),
            )
        })
        .collect()
}
