//! Calls that failed because something had run out, as they happen.

use std::collections::{BTreeMap, HashMap, VecDeque};

use nospace_core::cause::Cause;
use nospace_core::model::{INITIAL_USER_NAMESPACE, UserKey};
use nospace_core::report::Owner;

use super::update::RefusedCalls;
use crate::trace::TracedCall;

/// Calls that the stream keeps.
const MOST_CALLS: usize = 500;
/// Processes whose last refusal is remembered.
const MOST_PROCESSES: usize = 1000;

/// Whether calls are traced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tracing {
    /// Not yet.
    #[default]
    Starting,
    /// They are.
    On,
    /// They are not, and why.
    Off(String),
}

/// What was refused since `top` started.
#[derive(Clone, Debug, Default)]
pub struct RefusalLog {
    /// Whether calls are traced.
    pub tracing: Tracing,
    calls: VecDeque<TracedCall>,
    by_process: HashMap<u32, ProcessRefusal>,
    by_cause: BTreeMap<Reasons, u64>,
    /// All refused calls that arrived.
    pub total: u64,
    /// Of `total`, those that were counted and not kept.
    pub omitted: u64,
    /// Calls that came too fast for the kernel to hand them over.
    pub lost: u64,
}

/// What a call was refused for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reasons {
    /// What may have run out.
    pub causes: Vec<Cause>,
    /// It may have been something else.
    pub is_uncertain: bool,
    /// A guard refused, below the limit.
    pub by_guard: bool,
}

impl Reasons {
    /// Those of this call.
    #[must_use]
    pub fn of(call: &TracedCall) -> Self {
        Self {
            causes: call.candidates.clone(),
            is_uncertain: call.otherwise.is_some(),
            by_guard: call.guard.is_some(),
        }
    }
}

/// A process, and the last of its calls that was refused.
#[derive(Clone, Debug)]
pub struct ProcessRefusal {
    /// pid.
    pub pid: u32,
    /// Name of the thread that called.
    pub comm: String,
    /// Who is charged.
    pub user: UserKey,
    /// Owner of the process.
    pub owner: Owner,
    /// The last call.
    pub last: LastRefusal,
}

/// The last refused call of a holder.
#[derive(Clone, Debug, PartialEq)]
pub struct LastRefusal {
    /// When it arrived, in the seconds of [`Sample::seconds`](super::sample::Sample::seconds).
    pub seconds: f64,
    /// What may have run out.
    pub reasons: Reasons,
    /// Refused calls so far.
    pub calls: u64,
}

impl LastRefusal {
    /// The later of the two, with the calls of both.
    #[must_use]
    pub fn later(self, other: &Self) -> Self {
        let calls = self.calls + other.calls;
        let later = if other.seconds > self.seconds {
            other.clone()
        } else {
            self
        };
        Self { calls, ..later }
    }
}

impl RefusalLog {
    /// Adds calls that arrived at `seconds`.
    pub fn add(&mut self, refused: RefusedCalls, seconds: f64) {
        self.total += refused.omitted + refused.calls.len() as u64;
        self.omitted += refused.omitted;
        self.lost = refused.lost.max(self.lost);
        for call in refused.calls {
            *self.by_cause.entry(Reasons::of(&call)).or_default() += 1;
            self.remember(&call, seconds);
            if self.calls.len() >= MOST_CALLS {
                self.calls.pop_front();
            }
            self.calls.push_back(call);
        }
    }

    fn remember(&mut self, call: &TracedCall, seconds: f64) {
        if self.by_process.len() >= MOST_PROCESSES && !self.by_process.contains_key(&call.pid) {
            let oldest = self.by_process.values();
            let oldest = oldest.min_by(|a, b| a.last.seconds.total_cmp(&b.last.seconds));
            if let Some(pid) = oldest.map(|one| one.pid) {
                self.by_process.remove(&pid);
            }
        }
        let before = self
            .by_process
            .get(&call.pid)
            .map_or(0, |one| one.last.calls);
        let one = ProcessRefusal {
            pid: call.pid,
            comm: call.comm.clone(),
            user: user(call),
            owner: call.owner.clone().unwrap_or_default(),
            last: LastRefusal {
                seconds,
                reasons: Reasons::of(call),
                calls: before + 1,
            },
        };
        self.by_process.insert(call.pid, one);
    }

    /// The latest calls, newest first.
    pub fn newest(&self) -> impl Iterator<Item = &TracedCall> {
        self.calls.iter().rev()
    }

    /// Calls that are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Calls that were kept, by what had run out, most first.
    #[must_use]
    pub fn by_cause(&self) -> Vec<(&Reasons, u64)> {
        let counts = self.by_cause.iter();
        let mut all: Vec<_> = counts.map(|(reasons, calls)| (reasons, *calls)).collect();
        all.sort_by_key(|(_, calls)| std::cmp::Reverse(*calls));
        all
    }

    /// The processes that were refused something.
    pub fn by_process(&self) -> impl Iterator<Item = &ProcessRefusal> {
        self.by_process.values()
    }
}

/// Who is charged: the kernel's word where it gave one.
fn user(call: &TracedCall) -> UserKey {
    let count = call.count.as_ref();
    match count.and_then(|count| count.uid.zip(count.user_namespace)) {
        Some((uid, user_namespace)) => UserKey {
            uid,
            user_namespace,
        },
        None => UserKey {
            uid: call.uid,
            user_namespace: INITIAL_USER_NAMESPACE,
        },
    }
}
