//! The descriptors of all processes, in one pass: inotify instances and their watches, epoll
//! watches, and who is near its own limit of open files.
//!
//! ```text
//! pids ─ scan (all cores) → Seen ─ identity (kcmp) → instances, epoll users, processes
//! ```

mod epoll;
mod inotify;
mod process;
mod scan;

use nospace_core::model::{Descriptor, Epoll, Inotify, Process};

use super::read;
use super::run::{Collected, Collection, Runs};
use crate::host::{Absent, Host};
use scan::Seen;

/// What the pass brought home.
pub struct Scanned {
    pub inotify: Option<Inotify>,
    pub processes: Vec<Process>,
    pub epoll: Option<Epoll>,
    pub runs: Runs,
}

/// Reads /proc/PID/fd of every process.
pub fn scan(host: &dyn Host) -> Scanned {
    let mut runs = Runs::default();
    let mut seen = Seen::default();
    let mut identity = Err(Absent::Gone);
    let inotify = runs.run("inotify", "procfs", || {
        seen = scan::all(host)?;
        identity = number(host, &seen);
        inotify::collect(host, &mut seen, &identity)
    });
    let epoll = runs.run("epoll", "procfs", || collect_epoll(host, &seen, &identity));
    Scanned {
        inotify,
        processes: seen.processes,
        epoll,
        runs,
    }
}

/// Which descriptors are one open file; in the order of `seen.descriptors()`.
fn number(host: &dyn Host, seen: &Seen) -> Identity {
    let mut all: Vec<Descriptor> = seen.descriptors().collect();
    all.sort_unstable();
    let numbers = host.same_files(&all)?;
    Ok(all.into_iter().zip(numbers).collect())
}

/// Number of the open file behind each descriptor; `None` for one that has gone.
type Identity = Result<std::collections::HashMap<Descriptor, Option<u32>>, Absent>;

fn collect_epoll(host: &dyn Host, seen: &Seen, identity: &Identity) -> Collection<Epoll> {
    let max_user_watches = read::sysctl(host, "fs.epoll.max_user_watches")?;
    let users = epoll::users(seen, identity);
    Ok(Collected::estimated(Epoll {
        max_user_watches,
        users,
    }))
}
