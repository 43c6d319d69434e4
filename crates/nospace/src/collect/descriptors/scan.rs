//! The pass itself: shared out among the cores, a process at a time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nospace_core::model::{Descriptor, Process, UserNamespace};
use nospace_core::parse::fdinfo::LineCounter;

use super::process;
use super::read::is_missed;
use crate::host::{Descriptors, Host, ReadError, ReadResult};

/// One descriptor with the lines of its fdinfo that count.
#[derive(Clone, Copy, Debug)]
pub struct DescriptorCount {
    /// Where it was seen.
    pub descriptor: Descriptor,
    /// Watches of an inotify instance, registered descriptors of an epoll instance.
    pub count: u32,
    /// Effective uid of the process.
    pub uid: u32,
}

/// Number of the open file behind each descriptor; `None` for one that has gone.
pub type Identity = Result<HashMap<Descriptor, Option<u32>>, ReadError>;

/// What the pass has seen.
#[derive(Default)]
pub struct Scan {
    /// inotify descriptors.
    pub inotify: Vec<DescriptorCount>,
    /// epoll descriptors.
    pub epoll: Vec<DescriptorCount>,
    /// Processes that hold an instance, or are near their limit of descriptors.
    pub processes: Vec<Process>,
    /// User namespaces of those processes.
    pub user_namespaces: Vec<UserNamespace>,
    /// Processes that could hold something.
    pub looked: usize,
    /// Processes that nospace may not look into, or not wholly; kernel threads, which hold
    /// nothing, left out.
    pub denied: usize,
    /// Anything else that went wrong, by its words.
    pub failed: Vec<String>,
}

impl Scan {
    /// Something that counts may have been missed.
    pub fn is_partial(&self) -> bool {
        self.denied > 0 || !self.failed.is_empty()
    }

    /// Most processes were out of reach.
    pub fn is_blind(&self) -> bool {
        self.denied * 2 > self.looked
    }

    /// Every descriptor that was counted.
    pub fn descriptors(&self) -> impl Iterator<Item = Descriptor> {
        self.inotify
            .iter()
            .chain(&self.epoll)
            .map(|counted| counted.descriptor)
    }

    fn absorb(&mut self, other: Self) {
        self.inotify.extend(other.inotify);
        self.epoll.extend(other.epoll);
        self.processes.extend(other.processes);
        self.user_namespaces.extend(other.user_namespaces);
        self.looked += other.looked;
        self.denied += other.denied;
        self.failed.extend(other.failed);
    }

    fn sort(&mut self) {
        self.inotify
            .sort_unstable_by_key(|counted| counted.descriptor);
        self.epoll
            .sort_unstable_by_key(|counted| counted.descriptor);
        self.processes.sort_unstable_by_key(|process| process.pid);
        self.user_namespaces
            .sort_unstable_by_key(|namespace| namespace.id);
        self.user_namespaces.dedup_by_key(|namespace| namespace.id);
        self.failed.sort_unstable();
        self.failed.dedup();
    }
}

/// Looks into every process.
///
/// # Errors
///
/// When procfs cannot be listed.
pub fn all(host: &dyn Host) -> ReadResult<Scan> {
    let pids = host.pids()?;
    let work = Work {
        host,
        pids,
        next: AtomicUsize::new(0),
        holders: Mutex::default(),
        counting: Mutex::default(),
    };
    let seen = Mutex::new(Scan::default());
    let share = || {
        let part = work.share();
        lock(&seen).absorb(part);
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 1..cores.min(8) {
            // No second thread to be had: this one does it all.
            let _ = std::thread::Builder::new().spawn_scoped(scope, share);
        }
        share();
    });
    let mut seen = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
    seen.sort();
    Ok(seen)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What there is to do, shared out among threads.
struct Work<'a> {
    host: &'a dyn Host,
    pids: Vec<u32>,
    /// The first of `pids` that nobody has looked into.
    next: AtomicUsize,
    /// Processes whose fdinfo is yet to be read.
    holders: Mutex<Vec<Holder>>,
    /// Taken while fdinfo is read.
    counting: Mutex<()>,
}

/// A process with descriptors that count, or near its limit of them.
struct Holder {
    pid: u32,
    uid: u32,
    open: Descriptors,
    limit: Option<u64>,
}

impl Work<'_> {
    /// Works until nothing is left.
    ///
    /// For every line of an inotify fdinfo the kernel locks the watched inode and its file system:
    /// two threads that read fdinfo take half as long again, each. So one reads it while
    /// the others look into processes, and all do when there is nothing else to do.
    fn share(&self) -> Scan {
        let mut seen = Scan::default();
        let mut open = Descriptors::default();
        loop {
            if let Ok(_alone) = self.counting.try_lock()
                && let Some(holder) = self.holder()
            {
                count_all(self.host, &holder, &mut seen);
            } else if let Some(&pid) = self.pids.get(self.next.fetch_add(1, Ordering::Relaxed)) {
                self.look_into(pid, &mut open, &mut seen);
            } else if let Some(holder) = self.holder() {
                count_all(self.host, &holder, &mut seen);
            } else {
                return seen;
            }
        }
    }

    fn holder(&self) -> Option<Holder> {
        lock(&self.holders).pop()
    }

    fn look_into(&self, pid: u32, open: &mut Descriptors, seen: &mut Scan) {
        match self.host.descriptors(pid, open) {
            // The links of a process that has just ended are refused, not gone (proc_fd_access_allowed,
            // fs/proc/base.c).
            Ok(()) if open.hidden > 0 && self.host.owner(pid) == Err(ReadError::Gone) => {}
            Ok(()) => {
                seen.looked += 1;
                seen.denied += usize::from(open.hidden > 0);
                self.keep_holder(pid, open, seen);
            }
            Err(ReadError::Gone) => {}
            Err(ReadError::Denied) if !is_missed(self.host, pid) => {}
            Err(ReadError::Denied) => {
                seen.looked += 1;
                seen.denied += 1;
            }
            Err(ReadError::Failed(why)) => seen.failed.push(format!("/proc/PID/fd: {why}")),
        }
    }

    fn keep_holder(&self, pid: u32, open: &mut Descriptors, seen: &mut Scan) {
        let limit = process::pressing_limit(self.host, pid, open.total, &mut seen.failed);
        if open.inotify.is_empty() && open.epoll.is_empty() && limit.is_none() {
            return;
        }
        match self.host.owner(pid) {
            Ok(uid) => {
                let open = std::mem::take(open);
                lock(&self.holders).push(Holder {
                    pid,
                    uid,
                    open,
                    limit,
                });
            }
            Err(ReadError::Gone) => {}
            Err(error) => seen.failed.push(format!("owner of /proc/PID: {error}")),
        }
    }
}

fn count_all(host: &dyn Host, holder: &Holder, seen: &mut Scan) {
    let &Holder {
        pid,
        uid,
        ref open,
        limit,
    } = holder;
    let failed = &mut seen.failed;
    let mut count = |fd: &u32, lines| {
        let descriptor = Descriptor { pid, fd: *fd };
        match count(host, descriptor, lines) {
            Ok(count) => Some(DescriptorCount {
                descriptor,
                count,
                uid,
            }),
            Err(ReadError::Gone) => None,
            Err(error) => {
                failed.push(format!("/proc/PID/fdinfo: {error}"));
                None
            }
        }
    };
    let watches = open.inotify.iter();
    let watches = watches.filter_map(|fd| count(fd, LineCounter::inotify()));
    seen.inotify.extend(watches);
    let watches = open.epoll.iter();
    let watches = watches.filter_map(|fd| count(fd, LineCounter::epoll()));
    seen.epoll.extend(watches);
    if (!open.inotify.is_empty() || limit.is_some())
        && let Some((process, namespace)) =
            process::describe(host, pid, uid, open.total, limit, &mut seen.failed)
    {
        seen.processes.push(process);
        seen.user_namespaces.extend(namespace);
    }
}

fn count(host: &dyn Host, descriptor: Descriptor, mut lines: LineCounter) -> ReadResult<u32> {
    host.fdinfo(descriptor, &mut |piece| lines.piece(piece))?;
    Ok(lines.count())
}
