//! What programs cost that keep running.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::axis::leaf;
use crate::bench::agent::Server;
use crate::bench::measure::{Usage, megabytes};

/// Checks of the agent that are measured.
const CHECKS: f64 = 10.0;
/// How long top is measured, and how long it has to begin.
const TOP: Duration = Duration::from_secs(8);

/// A program that keeps running.
pub struct Running {
    /// Processor time in milliseconds: the agent's of a check, top's of a second.
    pub cpu: f64,
    /// Resident, at the end, in millions of bytes.
    pub memory: f64,
}

/// `nospace agent`, with its trace.
pub fn agent(nospace: Command) -> Result<Running> {
    let server = Server::agent_by(nospace, &["--interval=1s"])?;
    let pid = leaf(server.pid())?;
    let (first, before) = (server.looks()?, Usage::of(pid)?);
    let begin = Instant::now();
    while server.looks()? < first + CHECKS {
        ensure!(begin.elapsed() < Duration::from_mins(5), "the agent hangs");
        std::thread::sleep(Duration::from_millis(500));
    }
    let (last, after) = (server.looks()?, Usage::of(pid)?);
    Ok(Running {
        cpu: (after.cpu - before.cpu).as_secs_f64() * 1e3 / (last - first),
        memory: megabytes(after.resident),
    })
}

/// `nospace top` in a terminal of its own.
pub fn top(nospace: &Command) -> Result<Running> {
    let words = std::iter::once(nospace.get_program()).chain(nospace.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    let shell = format!("stty rows 50 cols 160; exec {} top", words.join(" "));
    let child = Command::new("script")
        .args(["--quiet", "--command", &shell, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .context("script")?;
    let terminal = Terminal(child);
    std::thread::sleep(TOP);
    let pid = leaf(terminal.0.id())?;
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm"))?;
    ensure!(name.trim() == "nospace", "top does not run, but {name}");
    let (before, begin) = (Usage::of(pid)?, Instant::now());
    std::thread::sleep(TOP);
    let after = Usage::of(pid)?;
    Ok(Running {
        cpu: (after.cpu - before.cpu).as_secs_f64() * 1e3 / begin.elapsed().as_secs_f64(),
        memory: megabytes(after.resident),
    })
}

struct Terminal(Child);

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
