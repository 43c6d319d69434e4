//! The test's side: starts a holder and tells it what to do.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{ChildStdin, ChildStdout, Stdio};

use anyhow::{Context as _, bail};
use serde::de::DeserializeOwned;
use tempfile::TempDir;

use crate::child::again;
use crate::{Ready, Tried};

/// Files that a holder gets to watch.
const FILES: u32 = 1000;

/// A holder that runs. Dropping it releases all that it holds.
pub struct Holder {
    /// What it said.
    pub ready: Ready,
    process: std::process::Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    _files: TempDir,
}

impl Holder {
    /// Starts this very program as a holder with the arguments of [`crate::Plan`], and waits until it
    /// holds. It gets a directory of 1,000 files to watch.
    ///
    /// # Errors
    ///
    /// What kept it from holding, in its own words.
    pub fn start<A: AsRef<OsStr>>(arguments: &[A]) -> anyhow::Result<Self> {
        let files = files()?;
        let mut process = again()
            .args(arguments)
            .arg("--files")
            .arg(files.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start a holder")?;
        let stdin = process.stdin.take().context("no pipe to the holder")?;
        let stdout = process.stdout.take().context("no pipe from the holder")?;
        let mut holder = Self {
            ready: Ready {
                pids: Vec::new(),
                instances: 0,
                watches: 0,
                descriptors: 0,
            },
            process,
            stdin,
            stdout: BufReader::new(stdout),
            _files: files,
        };
        holder.ready = holder.hear()?;
        Ok(holder)
    }

    /// Its pid.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Its pid, or with `--pid-namespace` that of the first process there, as the host numbers it.
    ///
    /// # Errors
    ///
    /// When procfs does not list it.
    pub fn inner_pid(&self) -> anyhow::Result<u32> {
        let pid = self.pid();
        if self.ready.pids.first() == Some(&pid) {
            return Ok(pid);
        }
        let path = format!("/proc/{pid}/task/{pid}/children");
        let children = fs::read_to_string(&path).context(path)?;
        let first = children.split_whitespace().next().context("no child")?;
        Ok(first.parse()?)
    }

    /// Gives it one order and hears how far it got.
    ///
    /// # Errors
    ///
    /// When it cannot obey at all.
    pub fn tell(&mut self, order: &str) -> anyhow::Result<Tried> {
        writeln!(self.stdin, "{order}")?;
        self.hear()
    }

    /// Ends it and waits until it is gone.
    pub fn end(&mut self) {
        // It may have ended already; either way it is gone after this.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    fn hear<T: DeserializeOwned>(&mut self) -> anyhow::Result<T> {
        let mut line = String::new();
        if self.stdout.read_line(&mut line)? == 0 {
            bail!("the holder ended without a word");
        }
        serde_json::from_str(&line).with_context(|| format!("the holder says {}", line.trim()))
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.end();
    }
}

/// A directory that everybody can read; in memory where it can be, for tests make many.
///
/// # Errors
///
/// Those of making it.
pub fn scratch() -> std::io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder
        .prefix("nospace-test.")
        .permissions(fs::Permissions::from_mode(0o755));
    builder
        .tempdir_in("/dev/shm")
        .or_else(|_| builder.tempdir())
}

fn files() -> anyhow::Result<TempDir> {
    let directory = scratch()?;
    for number in 0..FILES {
        fs::write(directory.path().join(number.to_string()), "")?;
    }
    Ok(directory)
}
