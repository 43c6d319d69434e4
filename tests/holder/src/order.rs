//! What a holder does when it is told to, a line each, answered by a line of JSON:
//!
//! - `limit instances N`, `limit watches N`: sets that limit of its own user namespace
//! - `add N`: tries to add N watches to its first instance
//! - `open N`: tries to create N instances
//! - `press N`: tries N times to add a watch, however often it is refused
//! - `pace N PER_SECOND`: the same, no faster than that
//! - `press-open N`: tries N times to create an instance, however often it is refused
//! - `refuse KIND N`: has N calls of another kind refused, see [`crate::refuse`]
//! - `enter KIND...`: enters a new namespace of each of these kinds
//! - `sysctl NAMESPACE PATH VALUE`: sets a sysctl of such a namespace; commas in VALUE become spaces
//! - `rlimit NAME N`: sets a resource limit of its own
//! - `become UID`: becomes this user
//! - `nest`: enters a new user namespace below its own, as the root of it
//! - `exhaust KIND...`: takes until the kernel refuses, and keeps it, see [`crate::exhaust`]
//! - `free`: gives back what `exhaust` took
//! - `quit`

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::fs::inotify::{CreateFlags, init};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::exhaust::{become_another, enter, exhaust, free, resource_limit, sysctl};
use crate::hold::{Held, watch};
use crate::refuse::refuse;
use crate::userns::{as_root, enter_below};

/// How far an attempt got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// So many succeeded.
    pub done: u64,
    /// Number of the error that ended it; `None` where all succeeded.
    pub errno: Option<i32>,
}

/// Obeys until standard input closes.
pub fn obey(held: &mut Held) -> anyhow::Result<()> {
    for line in std::io::stdin().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let tried = match words[..] {
            ["limit", what, number] => limit(what, number)?,
            ["add", number] => add(held, number.parse()?)?,
            ["open", number] => open(held, number.parse()?),
            ["press", number] => press(held, number.parse()?)?,
            ["pace", number, speed] => pace(held, number.parse()?, speed.parse()?)?,
            ["press-open", number] => press_open(number.parse()?),
            ["refuse", kind, number] => refuse(kind, number.parse()?)?,
            ["enter", ref kinds @ ..] => enter(kinds)?,
            ["sysctl", kind, key, value] => sysctl(kind, key, value)?,
            ["rlimit", name, number] => resource_limit(name, number.parse()?)?,
            ["nest"] => nest()?,
            ["become", uid] => become_another(uid.parse()?)?,
            ["exhaust", ref what @ ..] => exhaust(held, what)?,
            ["free"] => free(held),
            ["quit"] => break,
            _ => bail!("no such order: {line:?}"),
        };
        println!("{}", serde_json::to_string(&tried)?);
    }
    Ok(())
}

fn nest() -> anyhow::Result<Tried> {
    enter_below()?;
    Ok(Tried {
        done: 1,
        errno: None,
    })
}

fn limit(what: &str, number: &str) -> anyhow::Result<Tried> {
    let path = format!("/proc/sys/user/max_inotify_{what}");
    as_root(|| fs::write(&path, number))?.with_context(|| format!("cannot write {path}"))?;
    Ok(Tried {
        done: 1,
        errno: None,
    })
}

fn add(held: &mut Held, number: u64) -> anyhow::Result<Tried> {
    let instance = held.instances.first().context("no instance to add to")?;
    let files = &mut held.unwatched;
    attempt(number, || {
        let file = files.next().context("no file left to watch")?;
        Ok(watch(instance, &file).map(drop))
    })
}

fn open(held: &mut Held, number: u64) -> Tried {
    let mut more = Vec::new();
    let tried = attempt(number, || {
        Ok(init(CreateFlags::CLOEXEC).map(|one| more.push(one)))
    });
    held.instances.extend(more);
    tried.unwrap_or(Tried {
        done: 0,
        errno: None,
    })
}

fn press(held: &mut Held, number: u64) -> anyhow::Result<Tried> {
    let instance = held.instances.first().context("no instance to add to")?;
    let file = held.unwatched.next().context("no file left to watch")?;
    Ok(insist(number, || watch(instance, &file).map(drop)))
}

/// In small steps, each at its time.
fn pace(held: &Held, number: u64, speed: u32) -> anyhow::Result<Tried> {
    const STEP: u64 = 100;
    let instance = held.instances.first().context("no instance to add to")?;
    let file = held
        .unwatched
        .as_slice()
        .first()
        .context("no file left to watch")?;
    let (begin, mut tried) = (
        Instant::now(),
        Tried {
            done: 0,
            errno: None,
        },
    );
    for step in 0..number.div_ceil(STEP) {
        let at = Duration::from_secs(step * STEP) / speed;
        std::thread::sleep(at.saturating_sub(begin.elapsed()));
        let some = insist(STEP.min(number - step * STEP), || {
            watch(instance, file).map(drop)
        });
        tried.done += some.done;
        tried.errno = some.errno.or(tried.errno);
    }
    Ok(tried)
}

fn press_open(number: u64) -> Tried {
    insist(number, || init(CreateFlags::CLOEXEC).map(drop))
}

/// Tries so often; of the errors the last is told.
fn insist(number: u64, mut once: impl FnMut() -> Result<(), Errno>) -> Tried {
    let (mut done, mut errno) = (0, None);
    for _ in 0..number {
        match once() {
            Ok(()) => done += 1,
            Err(error) => errno = Some(error.raw_os_error()),
        }
    }
    Tried { done, errno }
}

fn attempt(
    number: u64,
    mut once: impl FnMut() -> anyhow::Result<Result<(), Errno>>,
) -> anyhow::Result<Tried> {
    for done in 0..number {
        if let Err(errno) = once()? {
            return Ok(Tried {
                done,
                errno: Some(errno.raw_os_error()),
            });
        }
    }
    Ok(Tried {
        done: number,
        errno: None,
    })
}
