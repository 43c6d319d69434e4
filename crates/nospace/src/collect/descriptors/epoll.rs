//! epoll watches of each user: descriptors registered with epoll instances.

use std::collections::{BTreeMap, HashSet};

use nospace_core::model::EpollUser;

use super::scan::{Identity, Scan};

/// Sums by uid, each epoll instance once where identity is known.
pub fn users(seen: &Scan, identity: &Identity) -> Vec<EpollUser> {
    let mut counted = HashSet::new();
    let mut users: BTreeMap<u32, u64> = BTreeMap::new();
    for one in &seen.epoll {
        let number = identity
            .as_ref()
            .ok()
            .and_then(|all| all.get(&one.descriptor).copied());
        match number.flatten() {
            Some(number) if !counted.insert(number) => {}
            _ => *users.entry(one.uid).or_default() += u64::from(one.count),
        }
    }
    users
        .into_iter()
        .map(|(uid, watches)| EpollUser { uid, watches })
        .collect()
}
