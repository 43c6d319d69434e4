//! One run of a program: how long, how much memory, what it said.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

/// What a run took.
pub struct Measured {
    /// From its start until it and what it started had ended.
    pub time: Duration,
    /// Most memory that it, or any that it waited for, had at once; in bytes, and never less than
    /// this program itself has (the kernel counts from before exec).
    pub memory: u64,
    /// Standard output.
    pub output: String,
    /// How it ended.
    pub status: ExitStatus,
}

/// Runs a command to its end, its output in a file: nobody reads it meanwhile.
pub fn run(command: &mut Command) -> Result<Measured> {
    let mut output = tempfile::tempfile()?;
    command.stdout(output.try_clone()?).stderr(Stdio::null());
    let begin = Instant::now();
    let child = command.spawn().with_context(|| format!("{command:?}"))?;
    let (status, memory) = wait(child.id())?;
    let time = begin.elapsed();
    Ok(Measured {
        time,
        memory,
        output: text(&mut output)?,
        status,
    })
}

fn text(file: &mut File) -> Result<String> {
    file.rewind()?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text)
}

/// wait4(2), which std does not have: it tells the memory of this one child.
fn wait(pid: u32) -> Result<(ExitStatus, u64)> {
    let mut status = 0;
    // SAFETY: a rusage is numbers; all zeroes are some.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers lead to what the kernel writes there.
    let waited = unsafe { libc::wait4(pid.cast_signed(), &mut status, 0, &mut usage) };
    if waited == -1 {
        return Err(std::io::Error::last_os_error()).context("wait4");
    }
    let kilobytes = u64::try_from(usage.ru_maxrss).unwrap_or(0);
    Ok((ExitStatus::from_raw(status), kilobytes * 1024))
}
