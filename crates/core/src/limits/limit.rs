use std::collections::BTreeMap;

use super::Sysctl;
use super::command::{Command, Raise};
use crate::attribute::View;
use crate::cause::Cause;
use crate::model::Snapshot;
use crate::report::{Finding, Resource, Subject};

/// Everything that nospace knows of one limit.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// Code of its exhaustion.
    pub cause: Cause,
    /// What a refusal means, one sentence without its full stop.
    pub meaning: &'static str,
    /// The page about it, in Markdown; `nospace explain CODE` prints it.
    pub page: &'static str,
    /// The sysctls that set it.
    pub sysctls: &'static [Sysctl],
    /// The calls that it refuses.
    pub refusals: &'static [Refusal],
    /// The collector that reads it; `None` where only logs tell of it.
    pub collector: Option<&'static str>,
    /// What else a verdict about it depends on.
    pub depends: &'static [Dependency],
    /// Its budgets, from what was read.
    pub usage: fn(&Snapshot) -> Vec<Resource>,
    /// The sysctl that limits one of these budgets.
    pub sysctl_of: fn(&Resource) -> Option<&'static str>,
    /// What is wrong with it, the worst first.
    pub findings: fn(&View) -> Vec<Finding>,
    /// Commands that find or free what is short, where no finding knows better.
    pub commands: &'static [Command],
    /// A sysctl to raise, where no finding knows better.
    pub raise: Option<Raise>,
}

impl Limit {
    /// A limit that only logs tell of.
    #[must_use]
    pub const fn in_logs(cause: Cause, meaning: &'static str, page: &'static str) -> Self {
        Self {
            cause,
            meaning,
            page,
            sysctls: &[],
            refusals: &[],
            collector: None,
            depends: &[],
            usage: |_| Vec::new(),
            sysctl_of: own_sysctl,
            findings: |_| Vec::new(),
            commands: &[],
            raise: None,
        }
    }
}

/// What must be in sight, besides what the collector reads, for a verdict of health about a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dependency {
    /// The accounts of all user namespaces up to the initial one: a charge goes to each of them.
    Ancestors,
    /// All processes of the machine.
    Processes,
    /// How many processes each user has, of its RLIMIT_NPROC.
    UserProcesses,
    /// All cgroups up to the root: each can have a limit.
    Cgroups,
}

/// The budgets that the collector of a simple limit read.
pub fn read(snapshot: &Snapshot, cause: Cause) -> Vec<Resource> {
    let resources = snapshot.resources.iter();
    resources.filter(|r| r.cause == cause).cloned().collect()
}

/// What each process holds of the budgets of `cause`, as far as it was read.
pub fn held(snapshot: &Snapshot, cause: Cause) -> BTreeMap<u32, u64> {
    let holdings = snapshot.holdings.iter().filter(|one| one.cause == cause);
    holdings.map(|one| (one.pid, one.amount)).collect()
}

/// The sysctl that the budget is named after.
fn own_sysctl(resource: &Resource) -> Option<&'static str> {
    match &resource.subject {
        Subject::Sysctl(key) => super::sysctl(key).map(|sysctl| sysctl.key),
        _ => None,
    }
}

/// A system call that fails when a limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its name; `None` for every call that can fail with this error.
    pub call: Option<&'static str>,
    /// The error that it fails with, a positive number.
    pub errno: i32,
    /// Where the call must have been made.
    pub place: Place,
}

/// What the call was about: where a directory or file was, or was to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It does not matter.
    Anywhere,
    /// In a cgroup file system.
    Cgroupfs,
    /// In any other file system.
    OtherFilesystem,
    /// It was /dev/ptmx that was opened.
    Ptmx,
    /// No file of a file system: another device, a socket, a pipe.
    NoFile,
}

/// Error numbers of Linux, but for Alpha, MIPS, PA-RISC and SPARC (include/uapi/asm-generic/errno.h).
pub mod errno {
    /// Argument list too long.
    pub const E2BIG: i32 = 7;
    /// Resource temporarily unavailable.
    pub const EAGAIN: i32 = 11;
    /// Cannot allocate memory.
    pub const ENOMEM: i32 = 12;
    /// Too many open files in system.
    pub const ENFILE: i32 = 23;
    /// Too many open files.
    pub const EMFILE: i32 = 24;
    /// No space left on device.
    pub const ENOSPC: i32 = 28;
    /// Exchange full.
    pub const EXFULL: i32 = 54;
    /// Cannot assign requested address.
    pub const EADDRNOTAVAIL: i32 = 99;
    /// No buffer space available.
    pub const ENOBUFS: i32 = 105;
    /// Too many references: cannot splice.
    pub const ETOOMANYREFS: i32 = 109;
    /// Disk quota exceeded.
    pub const EDQUOT: i32 = 122;
    /// Operation is not supported; a number of the kernel's own that it returns all the same (include/linux/errno.h).
    pub const ENOTSUPP: i32 = 524;
}

impl Refusal {
    /// `call` fails with `errno`.
    #[must_use]
    pub const fn of(call: &'static str, errno: i32) -> Self {
        Self {
            call: Some(call),
            errno,
            place: Place::Anywhere,
        }
    }

    /// Any call may fail with `errno`.
    #[must_use]
    pub const fn any(errno: i32) -> Self {
        Self {
            call: None,
            errno,
            place: Place::Anywhere,
        }
    }

    /// The same, at `place` only.
    #[must_use]
    pub const fn at(self, place: Place) -> Self {
        Self { place, ..self }
    }

    /// Each of `calls` fails with `errno` at `place`.
    #[must_use]
    pub const fn of_each<const N: usize>(
        calls: [&'static str; N],
        errno: i32,
        place: Place,
    ) -> [Self; N] {
        let mut all = [Self::any(errno).at(place); N];
        let mut at = 0;
        while at < N {
            all[at].call = Some(calls[at]);
            at += 1;
        }
        all
    }

    /// Those of `a` and of `b`.
    #[must_use]
    pub const fn join<const A: usize, const B: usize, const N: usize>(
        a: [Self; A],
        b: [Self; B],
    ) -> [Self; N] {
        assert!(A + B == N);
        let mut all = [a[0]; N];
        let mut at = 0;
        while at < N {
            all[at] = if at < A { a[at] } else { b[at - A] };
            at += 1;
        }
        all
    }

    /// Whether this is how `call` failed; `place` says where, if that is known.
    #[must_use]
    pub fn matches(&self, call: &str, errno: i32, place: Option<Place>) -> bool {
        let there = self.place == Place::Anywhere || place.is_none_or(|place| place == self.place);
        there && self.errno == errno && self.call.is_none_or(|name| name == call)
    }
}
