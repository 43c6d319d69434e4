//! Makes what the plan asks for.

use std::ffi::CString;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};

use crate::child::{self, Child};
use crate::exhaust::Release;
use crate::plan::{Plan, Share};
use crate::{Ready, userns};

/// Descriptors left for all else.
const SPARE: u64 = 64;

/// All that a holder has.
pub struct Held {
    /// What it says of itself.
    pub ready: Ready,
    /// Instances that it holds itself.
    pub instances: Vec<OwnedFd>,
    /// Files that are not yet watched.
    pub unwatched: std::vec::IntoIter<PathBuf>,
    /// What `exhaust` took.
    pub taken: Vec<Release>,
    _copies: Vec<OwnedFd>,
    _children: Vec<Child>,
}

/// Makes it all.
pub fn hold(plan: &Plan) -> anyhow::Result<Held> {
    if let Some(uid) = plan.user_namespace {
        userns::enter(uid)?;
    }
    if let Some(uid) = plan.uid {
        userns::become_user(uid)?;
    }
    die_with_parent()?;
    if let Some(cwd) = &plan.cwd {
        rustix::process::chdir(cwd)?;
    }
    if let Some(comm) = &plan.comm {
        rustix::thread::set_name(&CString::new(comm.as_bytes())?)?;
    }
    let mut files = files(&plan.files)?;
    ensure!(
        files.len() >= plan.watches,
        "{} has only {} files",
        plan.files.display(),
        files.len()
    );
    let unwatched = files.split_off(plan.watches).into_iter();
    let mut instances = (0..plan.instances)
        .map(|_| watched(&files))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let mut copies = descriptors(plan.descriptors)?;
    let children = share(plan, &mut instances, &mut copies)?;
    for _ in 0..plan.empty {
        instances.push(instance()?);
    }
    let pids = children.iter().map(Child::pid);
    Ok(Held {
        ready: Ready {
            descriptors: copies.len() as u64,
            pids: std::iter::once(std::process::id()).chain(pids).collect(),
            instances: u64::from(plan.instances) + u64::from(plan.empty),
            watches: u64::from(plan.instances) * plan.watches as u64,
        },
        instances,
        unwatched,
        taken: Vec::new(),
        _copies: copies,
        _children: children,
    })
}

/// Forgotten at every change of uid, so this comes after it.
pub fn die_with_parent() -> anyhow::Result<()> {
    Ok(rustix::process::set_parent_process_death_signal(Some(
        Signal::KILL,
    ))?)
}

/// A new instance.
pub fn instance() -> anyhow::Result<OwnedFd> {
    init(CreateFlags::CLOEXEC).context("inotify_init1")
}

/// Adds one watch, of an event that never comes.
pub fn watch(instance: &OwnedFd, file: &Path) -> rustix::io::Result<i32> {
    add_watch(instance, file, WatchFlags::DELETE_SELF)
}

fn watched(files: &[PathBuf]) -> anyhow::Result<OwnedFd> {
    let instance = instance()?;
    for file in files {
        watch(&instance, file).with_context(|| format!("cannot watch {}", file.display()))?;
    }
    Ok(instance)
}

fn files(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = directory
        .read_dir()
        .with_context(|| format!("cannot list {}", directory.display()))?;
    Ok(entries
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?)
}

/// As many as asked for, or as the hard limit allows where it may not be raised.
fn descriptors(number: u32) -> anyhow::Result<Vec<OwnedFd>> {
    if number == 0 {
        return Ok(Vec::new());
    }
    let to = |limit| Rlimit {
        current: Some(limit),
        maximum: Some(limit),
    };
    let wanted = u64::from(number) + SPARE;
    let allowed = getrlimit(Resource::Nofile).maximum.unwrap_or(wanted);
    let limit = match setrlimit(Resource::Nofile, to(wanted)) {
        Ok(()) => wanted,
        Err(_) => allowed,
    };
    setrlimit(Resource::Nofile, to(limit)).context("RLIMIT_NOFILE")?;
    let null: OwnedFd = File::open("/dev/null")?.into();
    Ok((SPARE..limit)
        .map(|_| null.try_clone())
        .collect::<std::io::Result<_>>()?)
}

fn share(
    plan: &Plan,
    instances: &mut Vec<OwnedFd>,
    copies: &mut Vec<OwnedFd>,
) -> anyhow::Result<Vec<Child>> {
    let times = 0..plan.copies;
    match plan.share {
        Share::Plain => {}
        Share::Forked => {
            for instance in instances.iter() {
                rustix::io::fcntl_setfd(instance, rustix::io::FdFlags::empty())?;
            }
            return times.map(|_| child::inheriting()).collect();
        }
        Share::Duplicated => {
            for instance in instances.iter() {
                for _ in times.clone() {
                    copies.push(instance.try_clone()?);
                }
            }
        }
        Share::Threads => times.for_each(|_| {
            std::thread::spawn(std::thread::park);
        }),
        Share::Passed => return Ok(vec![child::receiving(std::mem::take(instances))?]),
    }
    Ok(Vec::new())
}
