//! Limits other than inotify's, if their use grows with the pods.

use crate::attribute::View;
use crate::limits::sysctl_of;
use crate::model::Provenance;
use crate::plan::OtherLimit;
use crate::report::{Resource, Subject, percent, thresholds};

/// What was expected of the limits that could be read.
pub struct Others {
    /// Those that would be nearly or entirely used up, in the order of the cause codes.
    pub short: Vec<OtherLimit>,
    /// How many have room.
    pub with_room: u64,
}

/// Expects each budget of the whole node, or of a user, to grow from `now` pods to `then` as these do. What the node uses without pods
/// grows with them here, so that this is rather too much. Without pods nothing is known of what one takes.
pub fn others(view: &View, now: u64, then: u64) -> Others {
    let mut all = Others {
        short: Vec::new(),
        with_room: 0,
    };
    if now == 0 {
        return all;
    }
    let memory = view.snapshot.node.memory_bytes;
    for resource in view.resources.iter().filter(|one| is_shared(one)) {
        let Some(sysctl) = sysctl_of(resource) else {
            continue;
        };
        let expected = scaled(resource.used, now, then);
        if percent(expected, resource.limit) < Some(thresholds::WARNING_PERCENT) {
            all.with_room += 1;
            continue;
        }
        let value = sysctl.suggest(expected, resource.limit);
        let value = value.map(|value| value.min(sysctl.affordable(memory)));
        all.short.push(OtherLimit {
            cause: resource.cause,
            subject: resource.subject.clone(),
            sysctl: sysctl.key.to_owned(),
            unit: resource.unit.clone(),
            used: resource.used,
            limit: resource.limit,
            expected,
            value: value.filter(|value| sysctl.tunable && *value > resource.limit.max(expected)),
            provenance: resource.provenance,
        });
    }
    all
}

/// Whether pods share it: a pod's own namespaces and cgroups do not fill up because there are more pods.
fn is_shared(resource: &Resource) -> bool {
    match &resource.subject {
        _ if resource.provenance == Provenance::Unavailable => false,
        Subject::Sysctl(_) | Subject::SysctlField { .. } => true,
        Subject::User(user) => user.is_initial(),
        Subject::MountNamespace { pid, .. } => *pid == 1,
        _ => false,
    }
}

fn scaled(used: u64, now: u64, then: u64) -> u64 {
    let product = u128::from(used) * u128::from(then);
    u64::try_from(product.div_ceil(u128::from(now))).unwrap_or(u64::MAX)
}
