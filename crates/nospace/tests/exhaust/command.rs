//! The command ends with nospace, and so does everything that it started.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::ensure;
use rustix::process::Signal;

use crate::exhaust::{running, soon};
use crate::support::NOSPACE;

/// A command with a child, a grandchild in a session of its own whose parent is gone, and one that ignores SIGTERM.
const TREE: &str = "sleep MARK1 & setsid sh -c 'sleep MARK2 & exit' & sh -c 'trap : TERM; while :; do sleep MARK3; done' & sleep MARK4";

/// By kill -9, by its time, by a signal, and by its time while it was stopped.
pub fn ends_with_nospace() -> anyhow::Result<()> {
    for (case, time) in [
        ("kill", "300s"),
        ("time", "3s"),
        ("term", "300s"),
        ("stop", "3s"),
    ] {
        // A number that no other process sleeps for.
        let mark = format!("{}{}", 31_000_000 + std::process::id(), case.len());
        let tree = TREE.replace("MARK", &mark);
        let mut nospace = Command::new(NOSPACE)
            .args([
                "exhaust", "mounts", "--amount", "2000", "--for", time, "--", "sh", "-c", &tree,
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let pid = rustix::process::Pid::from_child(&nospace);
        let signal = |signal| rustix::process::kill_process(pid, signal);
        let sleeping = || (1..=4).all(|one| !running(&format!("sleep {mark}{one} ")).is_empty());
        soon("the command runs", || Ok(sleeping()))?;
        match case {
            "kill" => signal(Signal::KILL)?,
            "term" => signal(Signal::TERM)?,
            "stop" => {
                signal(Signal::STOP)?;
                std::thread::sleep(Duration::from_secs(4));
                signal(Signal::CONT)?;
            }
            _ => {}
        }
        nospace.wait()?;
        soon(case, || Ok(running(&mark).is_empty()))?;
    }
    Ok(())
}

pub fn status() -> anyhow::Result<()> {
    for (script, code) in [("exit 7", 7), ("exit 0", 0), ("kill -9 $$", 1)] {
        let status = Command::new(NOSPACE)
            .args([
                "exhaust", "mounts", "--amount", "3", "--", "sh", "-c", script,
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        ensure!(status.code() == Some(code), "{script}: {status}");
    }
    Ok(())
}
