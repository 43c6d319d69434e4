//! Instances and watches of a user.

mod descriptors;
mod instances;
mod ledger;
mod place;
mod split;
mod watches;

pub use instances::Instances;
pub use ledger::Ledger;
pub use watches::Watches;

use std::os::fd::OwnedFd;

use anyhow::Context as _;
use rustix::fs::inotify::{CreateFlags, init};
use rustix::io::Errno;
use rustix::process::{Uid, geteuid};
use rustix::thread::set_thread_res_uid;

/// Who is charged.
#[derive(Clone, Copy, Debug)]
pub struct User {
    uid: Uid,
    own: Uid,
}

impl User {
    /// The user `uid`, or whoever runs nospace.
    #[must_use]
    pub fn new(uid: Option<u32>) -> Self {
        let own = geteuid();
        Self {
            uid: uid.map_or(own, Uid::from_raw),
            own,
        }
    }

    /// Its uid.
    #[must_use]
    pub fn uid(&self) -> u32 {
        self.uid.as_raw()
    }

    /// Becomes this user, for the thread that calls, while `work` is done: the kernel charges an instance to the
    /// effective uid that made it, for life.
    fn during<T>(&self, work: impl FnOnce() -> T) -> anyhow::Result<T> {
        if self.uid == self.own {
            return Ok(work());
        }
        set_thread_res_uid(None, self.uid, None)
            .with_context(|| format!("cannot become uid {}: only root may", self.uid()))?;
        let done = work();
        set_thread_res_uid(None, self.own, None).context("cannot become myself again")?;
        Ok(done)
    }
}

/// Makes so many instances, or as many as the kernel gives.
fn open(user: &User, count: u64, into: &mut Vec<OwnedFd>) -> anyhow::Result<Option<Errno>> {
    let refusal = user.during(|| {
        for _ in 0..count {
            match init(CreateFlags::CLOEXEC) {
                Ok(instance) => into.push(instance),
                Err(errno) => return Some(errno),
            }
        }
        None
    })?;
    match refusal {
        None => Ok(None),
        Some(Errno::MFILE) if descriptors::are_left() => Ok(refusal),
        Some(Errno::MFILE) => Err(descriptors::too_few()),
        Some(errno) => Err(errno).context("inotify_init1"),
    }
}

/// How many threads close instances: the kernel waits some milliseconds for each.
const CLOSERS: usize = 8;

/// Closes them side by side.
fn close(instances: &mut Vec<OwnedFd>) {
    let share = instances.len().div_ceil(CLOSERS).max(1);
    std::thread::scope(|scope| {
        while !instances.is_empty() {
            let some = instances.split_off(instances.len().saturating_sub(share));
            // Without a thread the closure is dropped, and with it what it holds.
            let _ = std::thread::Builder::new().spawn_scoped(scope, move || drop(some));
        }
    });
}
