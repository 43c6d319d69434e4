//! A `nospace trace` that runs.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

use anyhow::{Context as _, bail};
use nospace::trace::{TraceLine, TraceSummary, TracedCall};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::NOSPACE;

/// Ended with the test.
pub struct Tracing {
    child: Child,
    reader: Option<JoinHandle<std::io::Result<String>>>,
    _stderr: BufReader<ChildStderr>,
}

/// What it printed.
#[derive(Debug)]
pub struct Said {
    /// As it was printed.
    pub text: String,
    /// Calls, if it is JSON.
    pub calls: Vec<TracedCall>,
    /// Sums, likewise.
    pub summaries: Vec<TraceSummary>,
    /// How it ended.
    pub code: Option<i32>,
}

impl Said {
    /// The last.
    pub fn summary(&self) -> anyhow::Result<&TraceSummary> {
        self.summaries.last().context("no summary")
    }
}

impl Tracing {
    /// Starts it, waits until it traces, and reads what it prints.
    pub fn start(arguments: &[&str]) -> anyhow::Result<Self> {
        let (mut tracing, mut stdout) = Self::begin(arguments)?;
        tracing.reader = Some(std::thread::spawn(move || {
            let mut text = String::new();
            stdout.read_to_string(&mut text).map(|_| text)
        }));
        Ok(tracing)
    }

    /// The same, but nobody reads.
    pub fn unread(arguments: &[&str]) -> anyhow::Result<Self> {
        Self::begin(arguments).map(|(tracing, _)| tracing)
    }

    fn begin(arguments: &[&str]) -> anyhow::Result<(Self, ChildStdout)> {
        let mut child = Command::new(NOSPACE)
            .arg("trace")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().context("no pipe")?;
        let mut stderr = BufReader::new(child.stderr.take().context("no pipe")?);
        let mut said = String::new();
        while !said.contains("tracing inotify calls") {
            if stderr.read_line(&mut said)? == 0 {
                child.wait()?;
                bail!("{}", said.trim());
            }
        }
        let tracing = Self {
            child,
            reader: None,
            _stderr: stderr,
        };
        Ok((tracing, stdout))
    }

    /// Ends it as a service manager does, and gives what it said.
    pub fn end(mut self) -> anyhow::Result<Said> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        // It may have ended by itself; then it is a zombie that takes the signal.
        kill_process(pid.context("no pid")?, Signal::TERM)?;
        let reader = self.reader.take().context("nobody reads")?;
        let text = reader
            .join()
            .map_err(|_| anyhow::anyhow!("the reader panicked"))??;
        let code = self.wait()?.code();
        let (mut calls, mut summaries) = (Vec::new(), Vec::new());
        for line in text.lines().filter(|line| line.starts_with('{')) {
            match serde_json::from_str(line).with_context(|| line.to_owned())? {
                TraceLine::Call(call) => calls.push(*call),
                TraceLine::Summary(summary) => summaries.push(summary),
            }
        }
        Ok(Said {
            text,
            calls,
            summaries,
            code,
        })
    }

    /// Waits until it ends by itself.
    pub fn wait(&mut self) -> anyhow::Result<ExitStatus> {
        Ok(self.child.wait()?)
    }
}

impl Drop for Tracing {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
