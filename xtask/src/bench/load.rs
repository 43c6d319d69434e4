//! Processes with a known number of instances, watches and files.
//!
//! Every holder is a user of its own: 128 instances are what a user gets by default, and no limit
//! of the machine is touched.

use std::fs::{self, File, Permissions};
use std::io::{PipeWriter, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
use rustix::process::{
    Pid, Resource, Rlimit, Signal, Uid, WaitOptions, getrlimit, kill_process,
    set_parent_process_death_signal, setrlimit, waitpid,
};
use rustix::thread::set_thread_uid;
use tempfile::TempDir;

/// Holders that watch the same directories: the kernel walks all marks of an inode to add one.
const TOGETHER: usize = 10;
/// The first holder's uid; no system gives these out.
const FIRST_UID: u32 = 1_900_000_000;

/// How large a load is.
#[derive(Clone, Copy)]
pub struct Size {
    /// Times the load of the contract.
    pub scale: u32,
    /// Processes that hold instances.
    pub holders: u32,
    /// Instances of each.
    pub instances: u32,
    /// Watches of each instance.
    pub watches: u32,
    /// Processes that hold none.
    pub idle: u32,
    /// Processes with many open files.
    pub openers: u32,
    /// Open files of each of those.
    pub files: u32,
    /// Whether each holder has namespaces of its own, as containers have.
    pub contained: bool,
}

impl Size {
    /// What it is called.
    pub fn name(&self) -> String {
        let watches = self.watches / Self::times(1).watches;
        match watches {
            1 => format!("{}× load", self.scale),
            _ => format!("{}× load, {watches}× watches", self.scale),
        }
    }

    /// As many descriptors, and this many times as many watches.
    pub fn with_watches(self, times: u32) -> Self {
        Self {
            watches: self.watches * times,
            ..self
        }
    }

    /// No processes at all.
    pub fn none() -> Self {
        Self::times(0)
    }

    /// This many times as many processes of each kind.
    pub fn times(scale: u32) -> Self {
        Self {
            scale,
            holders: 200 * scale,
            instances: 5,
            watches: 100,
            idle: 2_000 * scale,
            openers: scale,
            files: 15_000,
            contained: false,
        }
    }
}

/// The processes; they end with it.
pub struct Load {
    processes: Vec<Pid>,
    watched: TempDir,
}

impl Load {
    /// Makes it, and waits until all is there. The last holder forks: what it holds is in two
    /// processes, and still there once.
    pub fn make(size: &Size) -> Result<Self> {
        let directory = directory_for_all()?;
        let mut load = Self {
            processes: Vec::new(),
            watched: directory,
        };
        let (mut ready, tell) = std::io::pipe()?;
        let mut tell = Some(tell);
        let holders: Vec<u32> = (0..size.holders).collect();
        for together in holders.chunks(TOGETHER) {
            let watched = directories(load.watched.path(), together[0], size.watches)?;
            for &holder in together {
                load.start(&mut tell, || {
                    if size.contained {
                        contain()?;
                    }
                    let held = hold(size.instances, FIRST_UID + holder, &watched)?;
                    if holder == size.holders - 1 {
                        fork()?;
                    }
                    Ok(held)
                })?;
            }
        }
        for _ in 0..size.openers {
            load.start(&mut tell, || open(size.files))?;
        }
        for _ in 0..size.idle {
            load.start(&mut tell, || Ok(Vec::new()))?;
        }
        drop(tell);
        let mut told = Vec::new();
        ready.read_to_end(&mut told)?;
        let forked = usize::from(size.holders > 0);
        ensure!(
            told.len() == load.processes.len() + forked,
            "only {} processes hold what they should",
            told.len()
        );
        Ok(load)
    }

    /// Its processes.
    pub fn pids(&self) -> impl Iterator<Item = i32> {
        self.processes.iter().map(|pid| pid.as_raw_nonzero().get())
    }

    /// Open descriptors of all its processes.
    pub fn descriptors(&self) -> usize {
        let open = |pid: &Pid| fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero()));
        self.processes
            .iter()
            .filter_map(|pid| open(pid).ok())
            .map(Iterator::count)
            .sum()
    }

    /// Forks a process that makes something, tells that it has, and keeps it.
    fn start(
        &mut self,
        tell: &mut Option<PipeWriter>,
        make: impl FnOnce() -> Result<Vec<OwnedFd>>,
    ) -> Result<()> {
        if let Some(child) = fork()? {
            self.processes.push(child);
            return Ok(());
        }
        if let Err(error) = make().and_then(|made| keep(tell.take(), made)) {
            eprintln!("bench: {error:#}");
        }
        std::process::exit(1)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for pid in &self.processes {
            // One that has ended keeps its number until it is waited for.
            let _ = kill_process(*pid, Signal::KILL);
        }
        for pid in &self.processes {
            let _ = waitpid(Some(*pid), WaitOptions::empty());
        }
    }
}

/// A directory that any user may look into.
fn directory_for_all() -> Result<TempDir> {
    let mode = Permissions::from_mode(0o755);
    Ok(tempfile::Builder::new().permissions(mode).tempdir()?)
}

/// Directories to watch, as most programs watch directories.
fn directories(within: &Path, set: u32, count: u32) -> Result<Vec<PathBuf>> {
    let directory = |number| {
        let directory = within.join(format!("{set}/{number}"));
        fs::create_dir_all(&directory).with_context(|| directory.display().to_string())?;
        Ok(directory)
    };
    (0..count).map(directory).collect()
}

/// Leaves the namespaces of this machine, but for those of processes and users.
fn contain() -> Result<()> {
    let namespaces = libc::CLONE_NEWNS
        | libc::CLONE_NEWNET
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWCGROUP;
    // SAFETY: this process has one thread, and shares no memory with the one that forked it.
    match unsafe { libc::unshare(namespaces) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()).context("unshare"),
    }
}

/// Instances of the user `uid` that watch every one of `watched`.
fn hold(instances: u32, uid: u32, watched: &[PathBuf]) -> Result<Vec<OwnedFd>> {
    set_thread_uid(Uid::from_raw(uid))?;
    let instance = |_| {
        let instance = init(CreateFlags::CLOEXEC).context("inotify_init1")?;
        for directory in watched {
            add_watch(&instance, directory, WatchFlags::DELETE_SELF)
                .with_context(|| format!("cannot watch {}", directory.display()))?;
        }
        Ok(instance)
    };
    (0..instances).map(instance).collect()
}

/// This many open files.
fn open(count: u32) -> Result<Vec<OwnedFd>> {
    let limit = Rlimit {
        current: Some(u64::from(count) + 100),
        ..getrlimit(Resource::Nofile)
    };
    setrlimit(Resource::Nofile, limit).context("RLIMIT_NOFILE")?;
    let file = |_| Ok(File::open("/dev/null")?.into());
    (0..count).map(file).collect()
}

fn keep(tell: Option<PipeWriter>, _made: Vec<OwnedFd>) -> Result<()> {
    // Forgotten at every change of uid and not inherited, so this comes last.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    tell.context("no pipe")?.write_all(b"+")?;
    loop {
        rustix::event::pause();
    }
}

/// `None` in the child.
fn fork() -> Result<Option<Pid>> {
    // SAFETY: this process has one thread, so the child finds no lock that nobody will release.
    let pid = unsafe { libc::fork() };
    match pid {
        -1 => Err(std::io::Error::last_os_error()).context("fork"),
        pid => Ok(Pid::from_raw(pid)),
    }
}
