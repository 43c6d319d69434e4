//! Users and limits of the kernel's account in the model's types.

use nospace_bpf::accounting::{Counter, UserKey as Key};
use nospace_core::model::UserKey;

/// What the user has and would still get; where a limit was lowered below what it has, that limit.
pub fn limit(counter: &Counter) -> u64 {
    counter.effective_limit().min(counter.own_limit)
}

/// The user.
pub fn key(key: Key) -> UserKey {
    UserKey {
        user_namespace: key.user_namespace,
        uid: key.uid,
    }
}
