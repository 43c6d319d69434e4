//! Runs the command, and ends it with all that it started, however nospace ends.
//!
//! The command's parent is a process of its own, the supervisor. The kernel signals it when nospace dies (PR_SET_PDEATHSIG), and gives
//! it every process below it that loses its parent (PR_SET_CHILD_SUBREAPER), whatever session or process group that is in. Neither
//! needs any rights.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use nospace_core::parse::process::stat;
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, getpid, getppid, kill_process, set_child_subreaper,
    set_parent_process_death_signal, wait,
};
use signal_hook::low_level::emulate_default_handler;

/// The hidden command that runs the supervisor, with the pid of nospace and the command.
pub const COMMAND: [&str; 2] = ["exhaust", "supervise"];
/// For processes to end that were asked to.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// Between looks at the processes.
const TICK: Duration = Duration::from_millis(20);

/// The command `program` with a supervisor around it.
#[must_use]
pub fn supervised(program: &OsStr, arguments: &[OsString]) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command
        .args(COMMAND)
        .arg(std::process::id().to_string())
        .arg("--")
        .arg(program)
        .args(arguments);
    command
}

/// The supervisor itself: runs the command of nospace `parent` until it ends, or `stop` or nospace's death asks for its end. Then ends
/// all that is left of it.
///
/// # Errors
///
/// The command cannot be started.
pub fn supervise(parent: u32, command: &[OsString], stop: &AtomicBool) -> anyhow::Result<u8> {
    set_child_subreaper(Some(getpid())).context("cannot become a subreaper")?;
    set_parent_process_death_signal(Some(Signal::TERM)).context("cannot follow nospace's end")?;
    let (program, arguments) = command.split_first().context("no command")?;
    let orphaned = getppid().is_none_or(|now| now.as_raw_nonzero().get().unsigned_abs() != parent);
    if orphaned {
        return Ok(0);
    }
    let child = Command::new(program).args(arguments).spawn();
    let child = child.with_context(|| format!("cannot start {}", program.display()))?;
    let first = child.id();
    let mut ended = None;
    while ended.is_none() && !stop.load(Ordering::Relaxed) {
        ended = reap(first, ended).0;
        std::thread::sleep(TICK);
    }
    Ok(exit(end_all(first, ended)))
}

/// Waits for every child that has ended; the status of `first`, once that has, and whether there are others.
fn reap(first: u32, mut ended: Option<WaitStatus>) -> (Option<WaitStatus>, bool) {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) => {
                if pid.as_raw_nonzero().get().unsigned_abs() == first {
                    ended = Some(status);
                }
            }
            Err(Errno::INTR) => {}
            Ok(None) => return (ended, true),
            Err(_) => return (ended, false),
        }
    }
}

/// Asks everything below this process to end, then makes it end.
fn end_all(first: u32, mut ended: Option<WaitStatus>) -> Option<WaitStatus> {
    let begin = Instant::now();
    let mut asked = HashMap::new();
    loop {
        let others;
        (ended, others) = reap(first, ended);
        if !others {
            return ended;
        }
        for pid in descendants() {
            let signal = if begin.elapsed() > PATIENCE {
                Signal::KILL
            } else if asked.insert(pid, ()).is_none() {
                Signal::TERM
            } else {
                // A stopped process takes its signal when it continues.
                Signal::CONT
            };
            // It may have ended meanwhile.
            let _ = kill_process(pid, signal);
        }
        std::thread::sleep(TICK);
    }
}

/// Everything below this process.
fn descendants() -> Vec<Pid> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let pid = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let read = |pid: u32| fs::read(format!("/proc/{pid}/stat")).ok();
        if let Some((pid, bytes)) = pid.and_then(|pid| Some((pid, read(pid)?)))
            && let Ok(stat) = stat(&bytes)
        {
            children.entry(stat.ppid).or_default().push(pid);
        }
    }
    let mut below = children.remove(&std::process::id()).unwrap_or_default();
    let mut next = 0;
    while let Some(pid) = below.get(next) {
        below.extend(children.remove(pid).unwrap_or_default());
        next += 1;
    }
    let pid = |pid: u32| i32::try_from(pid).ok().and_then(Pid::from_raw);
    below.into_iter().filter_map(pid).collect()
}

/// Ends as the command did: by the same signal, or with its code.
fn exit(status: Option<WaitStatus>) -> u8 {
    if let Some(signal) = status.and_then(WaitStatus::terminating_signal) {
        // It only returns where the signal does not end a process.
        let _ = emulate_default_handler(signal);
    }
    let code = status.and_then(WaitStatus::exit_status);
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
