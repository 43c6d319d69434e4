//! One run of a program: how long, how much memory, what it said.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

/// What a run took.
pub struct Measured {
    /// From its start until it and what it started had ended.
    pub time: Duration,
    /// Of all processors, in its own code and in that of what it waited for.
    pub user: Duration,
    /// Of all processors, in it and in what it waited for.
    pub cpu: Duration,
    /// Most memory that it, or any that it waited for, had at once; in bytes, and never less than
    /// this program itself has (the kernel counts from before exec).
    pub memory: u64,
}

/// How a run ended, and what it said.
pub struct Answer {
    /// Exit code or signal.
    pub status: ExitStatus,
    /// Standard output.
    pub output: String,
    /// Standard error.
    pub errors: String,
}

/// Runs a command to its end, its output in a file: nobody reads it meanwhile.
pub fn run(command: &mut Command) -> Result<(Measured, Answer)> {
    let (mut output, mut errors) = (tempfile::tempfile()?, tempfile::tempfile()?);
    command
        .stdout(output.try_clone()?)
        .stderr(errors.try_clone()?);
    let begin = Instant::now();
    let child = command.spawn().with_context(|| format!("{command:?}"))?;
    let (status, usage) = wait(child.id())?;
    let measured = measured(begin, &usage);
    let (output, errors) = (text(&mut output)?, text(&mut errors)?);
    let answer = Answer {
        status,
        output,
        errors,
    };
    Ok((measured, answer))
}

/// Runs a command to its end, its output thrown away through a pipe, as it would be if a program read it.
pub fn discard(command: &mut Command) -> Result<(Measured, ExitStatus)> {
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let begin = Instant::now();
    let mut child = command.spawn().with_context(|| format!("{command:?}"))?;
    if let Some(mut output) = child.stdout.take() {
        let mut buffer = vec![0; 1 << 16];
        while output.read(&mut buffer)? > 0 {}
    }
    let (status, usage) = wait(child.id())?;
    Ok((measured(begin, &usage), status))
}

fn measured(begin: Instant, usage: &libc::rusage) -> Measured {
    Measured {
        time: begin.elapsed(),
        user: duration(usage.ru_utime),
        cpu: duration(usage.ru_utime) + duration(usage.ru_stime),
        memory: u64::try_from(usage.ru_maxrss).unwrap_or(0) * 1024,
    }
}

/// As a duration.
pub fn duration(time: libc::timeval) -> Duration {
    let part = |number: i64| u64::try_from(number).unwrap_or(0);
    Duration::from_secs(part(time.tv_sec)) + Duration::from_micros(part(time.tv_usec))
}

fn text(file: &mut File) -> Result<String> {
    file.rewind()?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text)
}

/// wait4(2), which std does not have: it tells what this one child used.
fn wait(pid: u32) -> Result<(ExitStatus, libc::rusage)> {
    let mut status = 0;
    // SAFETY: a rusage is numbers; all zeroes are some.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers lead to what the kernel writes there.
    let waited = unsafe { libc::wait4(pid.cast_signed(), &mut status, 0, &mut usage) };
    if waited == -1 {
        return Err(std::io::Error::last_os_error()).context("wait4");
    }
    Ok((ExitStatus::from_raw(status), usage))
}

/// What a running process has used and has.
#[derive(Clone, Copy)]
pub struct Usage {
    /// Of all processors.
    pub cpu: Duration,
    /// Resident memory in bytes.
    pub resident: u64,
    /// Open descriptors.
    pub descriptors: usize,
}

impl Usage {
    /// That of this process.
    pub fn of(pid: u32) -> Result<Self> {
        let place = format!("/proc/{pid}");
        let stat = fs::read_to_string(format!("{place}/stat"))?;
        let fields = stat
            .rsplit_once(')')
            .context("stat")?
            .1
            .split_whitespace()
            .skip(11);
        let ticks: u64 = fields
            .take(2)
            .filter_map(|field| field.parse::<u64>().ok())
            .sum();
        let statm = fs::read_to_string(format!("{place}/statm"))?;
        let pages: u64 = statm.split_whitespace().nth(1).context("statm")?.parse()?;
        Ok(Self {
            cpu: Duration::from_secs(ticks)
                / u32::try_from(rustix::param::clock_ticks_per_second())?,
            resident: pages * rustix::param::page_size() as u64,
            descriptors: fs::read_dir(format!("{place}/fd"))?.count(),
        })
    }
}

/// The most resident memory that a running process has had, in bytes.
pub fn peak(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    Ok(kib.context("no VmHWM")?.parse::<u64>()? * 1024)
}

/// As tables have it.
pub fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
