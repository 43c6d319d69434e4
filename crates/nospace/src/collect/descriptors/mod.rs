//! inotify instances and their watches, epoll watches, and who is near its own limit of open files.
//!
//! ```text
//! accounting (eBPF) ──────────────────────────┐
//! pids ─ scan (all cores) ─ identity (kcmp) ──┴→ instances, epoll users, processes
//! ```

mod accounting;
mod epoll;
mod inotify;
mod process;
mod scan;

use std::time::Instant;

use nospace_core::model::{Accounts, Descriptor, Epoll, Guards, Inotify, Process};

use super::read;
use super::run::{CollectResult, Measurement, Runs};
use crate::host::{Host, KernelAccounting, ReadError, Tasks};
pub use process::describe;
use scan::{Identity, Scan};

/// What was brought home.
pub struct DescriptorUsage {
    pub inotify: Option<Inotify>,
    pub processes: Vec<Process>,
    pub epoll: Option<Epoll>,
    /// Other limits that the kernel's account has; `None` without it.
    pub accounts: Option<Accounts>,
    /// Guards at work; `None` without it.
    pub guards: Option<Guards>,
    pub runs: Runs,
}

/// Reads the kernel's accounting, or else /proc/PID/fd of every process. As soon as the account is there, `tell` gets what it says
/// of all tasks; nothing without it.
pub fn scan(host: &dyn Host, tell: impl FnOnce(Tasks)) -> DescriptorUsage {
    let begin = Instant::now();
    match host.accounting() {
        Ok(mut accounts) => {
            tell(std::mem::take(&mut accounts.namespaces));
            from_accounting(host, begin, accounts)
        }
        Err(error) => {
            tell(Tasks::default());
            from_proc(host, begin, &error)
        }
    }
}

fn from_accounting(
    host: &dyn Host,
    begin: Instant,
    mut accounts: KernelAccounting,
) -> DescriptorUsage {
    let mut runs = Runs::default();
    let mut processes = Vec::new();
    let inotify = runs.run_since(begin, "inotify", "ebpf", || {
        let missed;
        (processes, missed) = accounting::processes(host, &accounts.processes);
        Ok(accounting::inotify(&mut accounts, missed))
    });
    let epoll = runs.run("epoll", "ebpf", || {
        accounting::epoll(host, accounts.epoll.clone())
    });
    accounting::other_limits(&mut runs, &accounts);
    DescriptorUsage {
        inotify,
        processes,
        epoll,
        accounts: accounts.accounts.map(|accounts| *accounts),
        guards: accounts.guards,
        runs,
    }
}

fn from_proc(host: &dyn Host, begin: Instant, without_books: &ReadError) -> DescriptorUsage {
    let mut runs = Runs::default();
    let mut scanned = scan::all(host);
    let mut identity = Err(ReadError::Gone);
    let inotify = runs.run_since(begin, "inotify", "procfs", || {
        let seen = scanned.as_mut().map_err(|error| unlisted(error))?;
        identity = number(host, seen);
        let mut collected = inotify::collect(host, seen, &identity)?;
        if let ReadError::Failed(why) = without_books {
            // After what was missed: how it was counted is no reason for that.
            collected.gaps.push(format!("counted from /proc: {why}"));
        }
        Ok(collected)
    });
    let epoll = runs.run("epoll", "procfs", || {
        let seen = scanned.as_ref().map_err(unlisted)?;
        collect_epoll(host, seen, &identity)
    });
    accounting::no_other_limits(&mut runs, without_books);
    DescriptorUsage {
        inotify,
        processes: scanned.map_or_else(|_| Vec::new(), |seen| seen.processes),
        epoll,
        accounts: None,
        guards: None,
        runs,
    }
}

fn unlisted(error: &ReadError) -> anyhow::Error {
    anyhow::anyhow!("cannot list processes: {error}")
}

/// Which descriptors are one open file; in the order of `seen.descriptors()`.
fn number(host: &dyn Host, seen: &Scan) -> Identity {
    let mut all: Vec<Descriptor> = seen.descriptors().collect();
    all.sort_unstable();
    let numbers = host.same_files(&all)?;
    Ok(all.into_iter().zip(numbers).collect())
}

fn collect_epoll(host: &dyn Host, seen: &Scan, identity: &Identity) -> CollectResult<Epoll> {
    let max_user_watches = read::sysctl(host, "fs.epoll.max_user_watches")?;
    let users = epoll::users(seen, identity);
    Ok(Measurement::estimated(Epoll {
        max_user_watches,
        users,
    })
    .blind(seen.is_blind())
    .partial(seen.is_partial()))
}
