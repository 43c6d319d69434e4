//! Calls that failed because a limit was hit, as a timeline keeps them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Owner;
use crate::cause::Cause;

/// The calls that were refused between two samples.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Refusals {
    /// The calls, those alike together, in the order of the first of each.
    pub calls: Vec<Refused>,
    /// Refused calls that are in none of `calls`: there were too many kinds.
    pub more: u64,
    /// Calls, refused or not, that came too fast for the kernel to hand them over.
    pub lost: u64,
}

/// Calls that were refused alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    /// When the first was made, RFC 3339, UTC.
    pub first: String,
    /// When the last was made.
    pub last: String,
    /// How many there were.
    pub times: u64,
    /// Name of the system call; `clone` stands for fork, vfork and clone3 too.
    pub call: String,
    /// Name of the error, `ENOSPC`.
    pub error: String,
    /// Thread-group id, as the initial pid namespace numbers it.
    pub pid: u32,
    /// Name of the thread, lossy UTF-8.
    pub comm: String,
    /// Effective uid, as the initial user namespace sees it.
    pub uid: u32,
    /// Owner of the process; null if it exited before nospace could look.
    pub owner: Option<Owner>,
    /// All that can have been used up.
    pub causes: Vec<Cause>,
    /// What else the error can mean, if it is not certain that one of `causes` was used up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<String>,
    /// The guard that refused the last of them, below the limit; left out where it was the limit, and where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<RefusingGuard>,
}

/// A guard (`nospace guard`) that refuses pods what it keeps for the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefusingGuard {
    /// Its process.
    pub pid: u32,
    /// How many of the limit it keeps.
    pub kept: u64,
}

impl Refused {
    /// Whether the two are the same call of the same process with the same result.
    fn is_like(&self, other: &Self) -> bool {
        (self.pid, self.uid, &self.call, &self.error)
            == (other.pid, other.uid, &other.call, &other.error)
            && self.comm == other.comm
            && self.owner == other.owner
            && (&self.causes, &self.otherwise) == (&other.causes, &other.otherwise)
            && self.guard.is_some() == other.guard.is_some()
    }
}

impl Refusals {
    /// Kinds of calls that are kept at most.
    pub const MOST: usize = 200;

    /// Adds calls that were made after those that are here.
    pub fn add(&mut self, refused: Refused) {
        if let Some(one) = self.calls.iter_mut().find(|one| one.is_like(&refused)) {
            one.times += refused.times;
            one.last = refused.last;
            one.guard = refused.guard;
        } else if self.calls.len() < Self::MOST {
            self.calls.push(refused);
        } else {
            self.more += refused.times;
        }
    }

    /// Adds those of the next sample.
    pub fn extend(&mut self, next: Self) {
        self.more += next.more;
        self.lost += next.lost;
        next.calls.into_iter().for_each(|one| self.add(one));
    }

    /// All refused calls.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.more + self.calls.iter().map(|one| one.times).sum::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(pid: u32, second: u32) -> Refused {
        let time = format!("2026-01-01T00:00:{second:02}Z");
        Refused {
            first: time.clone(),
            last: time,
            times: 1,
            call: "inotify_init1".to_owned(),
            error: "EMFILE".to_owned(),
            pid,
            comm: "tail".to_owned(),
            uid: 0,
            owner: None,
            causes: vec![Cause::InotifyInstances],
            otherwise: None,
            guard: None,
        }
    }

    #[test]
    fn what_a_guard_refused_is_not_what_the_limit_refused() {
        let by_guard = |kept| Refused {
            guard: Some(RefusingGuard { pid: 41, kept }),
            ..call(7, 1)
        };
        let mut all = Refusals::default();
        for one in [call(7, 1), by_guard(100), by_guard(200)] {
            all.add(one);
        }
        let kinds: Vec<_> = all.calls.iter().map(|one| (one.times, one.guard)).collect();
        let last = Some(RefusingGuard { pid: 41, kept: 200 });
        assert_eq!(kinds, [(1, None), (2, last)]);
    }

    #[test]
    fn what_is_alike_is_counted_and_what_is_too_much_is_not_lost() {
        let mut all = Refusals::default();
        all.add(call(7, 1));
        all.add(call(8, 2));
        all.add(call(7, 3));
        assert_eq!(all.calls.len(), 2);
        assert_eq!(all.calls[0].times, 2);
        assert_eq!(all.calls[0].last, "2026-01-01T00:00:03Z");
        let mut next = Refusals::default();
        (0..300).for_each(|pid| next.add(call(pid, 4)));
        assert_eq!((next.calls.len(), next.more), (Refusals::MOST, 100));
        all.extend(next);
        assert_eq!(all.calls.len(), Refusals::MOST);
        assert_eq!(all.total(), 303);
    }
}
