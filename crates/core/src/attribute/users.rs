use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::model::{Inotify, InotifyResource, Pair, Provenance, Snapshot, UserCounters, UserKey};
use crate::report::{Budget, Unattributed, User, UserRef, thresholds};

/// Instances and watches.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    instances: u64,
    watches: u64,
}

/// Names the user.
#[must_use]
pub fn user_ref(key: UserKey) -> UserRef {
    UserRef {
        uid: key.uid,
        user_namespace: key.user_namespace,
    }
}

/// The user that `key` names.
pub fn find(users: &[User], key: UserKey) -> Option<&User> {
    users
        .iter()
        .find(|u| u.uid == key.uid && u.user_namespace == key.user_namespace)
}

/// `true` where a charge to `charged` counts against `key`: the kernel charges the user itself
/// and, in each ancestor namespace, the creator of the one below (`inc_ucount`, kernel/ucount.c).
#[must_use]
pub fn below(inotify: &Inotify, charged: UserKey, key: UserKey) -> bool {
    chain(inotify, charged).contains(&key)
}

/// Everyone that a charge to `key` counts against, `key` first.
pub fn chain(inotify: &Inotify, key: UserKey) -> Vec<UserKey> {
    let mut chain = vec![key];
    let mut at = key;
    while let Some(next) = draws_on(inotify, at) {
        if chain.contains(&next) {
            break;
        }
        chain.push(next);
        at = next;
    }
    chain
}

fn draws_on(inotify: &Inotify, key: UserKey) -> Option<UserKey> {
    if key.is_initial() {
        return None;
    }
    inotify
        .user_namespaces
        .iter()
        .find(|n| n.id == key.user_namespace)?
        .draws_on
}

/// So much one user may be charged for where /proc is the source, which shows as whom a process runs now and not as whom
/// it ran when it was charged: all that there is, each once, for all of it counts in the initial namespace.
#[must_use]
pub fn most_used(users: &[User], resource: InotifyResource) -> u64 {
    let initial = users.iter().filter(|user| user.is_initial());
    initial
        .map(|user| user.budget(resource).used)
        .fold(0, u64::saturating_add)
}

/// Users that inotify is charged to, most pressed first.
pub fn users(snapshot: &Snapshot) -> Vec<User> {
    let Some(inotify) = &snapshot.inotify else {
        return Vec::new();
    };
    let mut seen = seen(inotify);
    seen.entry(snapshot.vantage.root()).or_default();
    let counters = inotify.counters.iter().flatten();
    let mut users: Vec<User> = counters
        .map(|c| counted(inotify, c, seen.remove(&c.key).unwrap_or_default()))
        .collect();
    // Whom the kernel's counters were not read of: all, where the source is /proc.
    users.extend(
        seen.into_iter()
            .map(|(key, sum)| summed(snapshot, inotify, key, sum)),
    );
    users.sort_by_key(|u| {
        let pressure = u.instances.percent().max(u.watches.percent());
        (
            Reverse(pressure),
            Reverse(u.watches.used),
            u.user_namespace,
            u.uid,
        )
    });
    users
}

/// What visible descriptors explain, for each user and for whomever they draw on.
fn seen(inotify: &Inotify) -> BTreeMap<UserKey, Sum> {
    let mut seen = BTreeMap::<UserKey, Sum>::new();
    for instance in &inotify.instances {
        for key in chain(inotify, instance.charged) {
            let sum = seen.entry(key).or_default();
            sum.instances += 1;
            sum.watches += u64::from(instance.watches);
        }
    }
    seen
}

fn counted(inotify: &Inotify, counters: &UserCounters, seen: Sum) -> User {
    let exact = |used, limit| Budget {
        used,
        limit: Some(limit),
        provenance: Provenance::Exact,
    };
    User {
        uid: counters.key.uid,
        user_namespace: counters.key.user_namespace,
        instances: exact(counters.instances, counters.instances_limit),
        watches: exact(counters.watches, counters.watches_limit),
        unattributed: Unattributed {
            instances: Some(counters.instances.saturating_sub(seen.instances)),
            watches: Some(counters.watches.saturating_sub(seen.watches)),
        },
        draws_on: draws_on(inotify, counters.key).map(user_ref),
    }
}

/// The limits that /proc shows of a user: those of the initial namespace, and those of nospace's own.
pub fn limits(snapshot: &Snapshot, key: UserKey) -> Pair<Option<u64>> {
    let vantage = &snapshot.vantage;
    if key.is_initial() {
        let limits = snapshot.limits.as_ref();
        Pair {
            instances: limits.map(|l| l.max_user_instances),
            watches: limits.map(|l| l.max_user_watches),
        }
    } else if vantage.user_namespace == Some(key.user_namespace) {
        vantage.own_limits()
    } else {
        Pair::default()
    }
}

fn summed(snapshot: &Snapshot, inotify: &Inotify, key: UserKey, sum: Sum) -> User {
    let limits = limits(snapshot, key);
    let blind = snapshot
        .collectors
        .iter()
        .any(|run| run.name == "inotify" && run.blind);
    let budget = |used, limit: Option<u64>| {
        let budget = Budget {
            used,
            limit,
            provenance: Provenance::Estimated,
        };
        // What is in sight is the least that is used: enough where it is nearly all.
        let is_full = budget.percent() >= Some(thresholds::CRITICAL_PERCENT);
        Budget {
            provenance: if blind && !is_full {
                Provenance::Unavailable
            } else {
                Provenance::Estimated
            },
            ..budget
        }
    };
    User {
        uid: key.uid,
        user_namespace: key.user_namespace,
        instances: budget(sum.instances, limits.instances),
        watches: budget(sum.watches, limits.watches),
        unattributed: Unattributed::default(),
        draws_on: draws_on(inotify, key).map(user_ref),
    }
}
