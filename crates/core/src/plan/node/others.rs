//! Limits other than inotify's, if their use grows with the pods.

use std::collections::BTreeMap;

use crate::attribute::View;
use crate::limits::{Sysctl, sysctl_of};
use crate::model::Provenance;
use crate::plan::OtherLimit;
use crate::report::{Resource, Subject, percent, thresholds};

/// What is expected of the limits that could be read, by their sysctls.
#[derive(Default)]
pub struct Others {
    /// Those that would be nearly or entirely used up, in the order of the cause codes.
    pub short: Vec<OtherLimit>,
    /// How many would suffice.
    pub with_room: u64,
}

/// Expects each budget of the whole node, or of a user, to grow from `now` pods to `then` as these do. What the node uses without pods
/// is scaled, too, so the result is too high rather than too low. Without pods nothing is known of what one takes.
pub fn others(view: &View, now: u64, then: u64) -> Others {
    if now == 0 {
        return Others::default();
    }
    // A sysctl can limit several: every user has a budget of keys.
    let mut fullest: BTreeMap<&str, (usize, u64)> = BTreeMap::new();
    let mut all = Vec::new();
    for resource in view.resources.iter().filter(|one| is_shared(one)) {
        let Some(sysctl) = sysctl_of(resource) else {
            continue;
        };
        let expected = scaled(resource.used, now, then);
        let share = percent(expected, resource.limit).unwrap_or(u64::MAX);
        let known = fullest.get(sysctl.key).copied();
        match known {
            Some((_, most)) if most >= share => {}
            Some((at, _)) => {
                fullest.insert(sysctl.key, (at, share));
                all[at] = (resource, sysctl, expected, share);
            }
            None => {
                fullest.insert(sysctl.key, (all.len(), share));
                all.push((resource, sysctl, expected, share));
            }
        }
    }
    let memory = view.snapshot.node.memory_bytes;
    let (short, with_room): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|(.., share)| *share >= thresholds::WARNING_PERCENT);
    Others {
        short: short
            .into_iter()
            .map(|(resource, sysctl, expected, _)| OtherLimit {
                cause: resource.cause,
                subject: resource.subject.clone(),
                sysctl: sysctl.key.to_owned(),
                unit: resource.unit.clone(),
                used: resource.used,
                limit: resource.limit,
                expected,
                value: value(sysctl, expected, resource.limit, memory),
                provenance: resource.provenance,
            })
            .collect(),
        with_room: with_room.len() as u64,
    }
}

/// What to set the limit to; `None` where nothing that can be set is enough.
fn value(sysctl: &Sysctl, expected: u64, limit: u64, memory: Option<u64>) -> Option<u64> {
    let value = sysctl
        .suggest(expected, limit)?
        .min(sysctl.affordable(memory));
    (sysctl.tunable && value > expected.max(limit)).then_some(value)
}

/// Whether pods share it: a pod's own namespaces and cgroups do not fill up because there are more pods. A limit of 0 forbids a thing, and is
/// no budget.
fn is_shared(resource: &Resource) -> bool {
    if resource.provenance == Provenance::Unavailable || resource.limit == 0 {
        return false;
    }
    match &resource.subject {
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
