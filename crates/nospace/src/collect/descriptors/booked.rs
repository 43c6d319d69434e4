//! The same out of the kernel's books: nobody's descriptors are walked, only their holders described.

use nospace_core::model::{Epoll, EpollUser, Inotify, Process};

use super::process::describe;
use crate::collect::read;
use crate::collect::run::{Collected, Collection};
use crate::host::{BookedProcess, Books, Host};
use crate::parallel::share_out;

/// Instances and counters as the kernel has them.
pub fn inotify(books: &mut Books) -> Collected<Inotify> {
    let gaps = books.gap.take().into_iter().collect();
    Collected::exact(std::mem::take(&mut books.inotify)).with_gaps(gaps)
}

/// The processes that the books name, described from procfs.
pub fn processes(host: &dyn Host, booked: &[BookedProcess]) -> Vec<Process> {
    let parts = share_out(booked, |one, described: &mut Vec<Process>| {
        let uid = host.owner(one.pid);
        let found = uid.map(|uid| describe(host, one.pid, uid, one.descriptors, one.limit));
        described.extend(found.ok().flatten().map(|(process, _)| process));
    });
    let mut all = parts.concat();
    all.sort_unstable_by_key(|process| process.pid);
    all
}

/// epoll watches; each CPU holds back some of the kernel's own count.
pub fn epoll(host: &dyn Host, users: Vec<EpollUser>) -> Collection<Epoll> {
    let max_user_watches = read::sysctl(host, "fs.epoll.max_user_watches")?;
    Ok(Collected::estimated(Epoll {
        max_user_watches,
        users,
    }))
}
