//! Opening and closing many inotify instances.

use std::os::fd::OwnedFd;

use anyhow::Context as _;
use rustix::fs::inotify::{CreateFlags, init};
use rustix::io::Errno;

use crate::exhaust::descriptors;
use crate::exhaust::user::EffectiveUser;

/// Opens `count` instances, or as many as the kernel gives; returns the errno of its refusal.
pub fn open(
    user: &EffectiveUser,
    count: u64,
    into: &mut Vec<OwnedFd>,
) -> anyhow::Result<Option<Errno>> {
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

/// Closes them in parallel.
pub fn close(instances: &mut Vec<OwnedFd>) {
    let share = instances.len().div_ceil(CLOSERS).max(1);
    std::thread::scope(|scope| {
        while !instances.is_empty() {
            let some = instances.split_off(instances.len().saturating_sub(share));
            // Without a thread the closure is dropped, and with it what it holds.
            let _ = std::thread::Builder::new().spawn_scoped(scope, move || drop(some));
        }
    });
}
