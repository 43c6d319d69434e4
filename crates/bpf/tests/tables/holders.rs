//! What the processes of the cases hold.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::thread;

use crate::common::sys;

/// No system gives these out.
pub const FIRST_USER: u32 = 1_800_000_000;
/// Fewer than the 128 that a user may have where nobody has raised it.
const PER_USER: u32 = 100;
/// Instances of [`descriptors`].
pub const AMONG_MANY: usize = 3;
/// Descriptors of [`alternating`] from 100 on.
pub const ALTERNATING: u32 = 64;
/// Descriptors of the instances that stay, of 0, 1, 2, … watches.
pub const STABLE: Range<u32> = 200..240;
/// The most that an instance has that does not stay.
pub const TRANSIENT_WATCHES: u32 = 3;

type Held = Vec<OwnedFd>;

fn instance(files: &Path, user: u32, watches: u32) -> io::Result<OwnedFd> {
    sys::act_as(FIRST_USER + user)?;
    let held = sys::inotify();
    // A watch is charged to the creator, but the files are root's.
    sys::act_as(0)?;
    let held = held?;
    for path in (0..watches).map(|n| files.join(n.to_string())) {
        sys::watch(&held, &path)?;
    }
    Ok(held)
}

pub fn instances(files: &Path, number: u32) -> io::Result<Held> {
    sys::raise_files(4_096)?;
    (0..number)
        .map(|n| instance(files, n / PER_USER, n % 4))
        .collect()
}

/// Instances at the beginning, in the middle and at the end of a table that is as large as it may be up to 70,000.
pub fn descriptors(files: &Path) -> io::Result<Held> {
    let limit = sys::raise_files(70_000)? as i32;
    let null = File::open("/dev/null")?;
    let mut held = vec![instance(files, 0, 1)?];
    let middle = limit / 2 + 7;
    while held.len() < middle as usize {
        held.push(null.try_clone()?.into());
    }
    held.push(instance(files, 0, 2)?);
    // Some are left for what the test had open before, and for the next instance.
    while held.len() < limit as usize - 40 {
        held.push(null.try_clone()?.into());
    }
    let last = instance(files, 0, 3)?;
    held.push(sys::duplicate(last.as_raw_fd(), limit - 1)?);
    Ok(held)
}

pub fn four(files: &Path, number: u32) -> io::Result<Held> {
    let user = number % 300 / 20;
    Ok(vec![
        instance(files, user, number % 5)?,
        instance(files, user + 15, 1)?,
        instance(files, user, 2)?,
        instance(files, user + 15, 0)?,
    ])
}

/// Instances of a user 30 namespaces deep and of another in turns, so that each comes with the long chain of its user.
pub fn alternating(files: &Path) -> io::Result<Held> {
    sys::raise_files(4_096)?;
    let outer = instance(files, 0, 1)?;
    for _ in 0..30 {
        sys::unshare(libc::CLONE_NEWUSER)?;
        for (file, text) in [
            ("setgroups", "deny"),
            ("uid_map", "0 0 1"),
            ("gid_map", "0 0 1"),
        ] {
            std::fs::write(format!("/proc/self/{file}"), text)?;
        }
    }
    let inner = sys::inotify()?;
    (0..ALTERNATING as i32)
        .map(|n| {
            let one = if n % 2 == 0 { &outer } else { &inner };
            sys::duplicate(one.as_raw_fd(), 100 + n)
        })
        .chain([Ok(outer.try_clone()?), Ok(inner.try_clone()?)])
        .collect()
}

/// Instances that stay, beside threads that make all else change all the time.
pub fn changing(files: &Path) -> io::Result<Held> {
    sys::raise_files(4_096)?;
    let mut held = Vec::new();
    for (watches, fd) in STABLE.enumerate() {
        let stable = instance(files, 0, watches as u32)?;
        held.push(sys::duplicate(stable.as_raw_fd(), fd as i32)?);
    }
    let first = held[5].try_clone()?;
    let paths = files.to_owned();
    thread::spawn(move || forever(|| replaced(&first)));
    thread::spawn(move || forever(|| passing(&paths)));
    thread::spawn(|| {
        loop {
            sys::short_life(400);
        }
    });
    Ok(held)
}

/// It ends, and with it the test, if a call fails.
fn forever(step: impl Fn() -> io::Result<()>) -> ! {
    loop {
        if let Err(e) = step() {
            println!("FAILED: a thread of the changing process: {e}");
            std::process::abort();
        }
    }
}

/// The same descriptor: an instance of three watches, then another file, then none.
fn passing(files: &Path) -> io::Result<()> {
    drop(instance(files, 1, TRANSIENT_WATCHES)?);
    drop(File::open("/dev/null")?);
    drop(instance(files, 2, 1)?);
    drop(io::pipe()?);
    Ok(())
}

/// A descriptor that leads to a stable instance, to another file and back, without being closed in between.
fn replaced(stable: &OwnedFd) -> io::Result<()> {
    let null: OwnedFd = File::open("/dev/null")?.into();
    let changing = stable.try_clone()?;
    for _ in 0..20 {
        sys::replace(&changing, &null)?;
        sys::replace(&changing, stable)?;
    }
    Ok(())
}
