//! Removes what would outlive nospace.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::mount::{UnmountFlags, unmount};
use rustix::process::{Pid, test_kill_process};

use super::NAME;

/// The hidden command that a reaper is.
pub const COMMAND: [&str; 2] = ["exhaust", "reap"];
/// A cgroup is busy until its last process has been waited for.
const TRIES: u32 = 50;
const BETWEEN: Duration = Duration::from_millis(20);

/// A child that waits for nospace to end, however it does, and then removes what it was told of.
#[derive(Debug)]
pub struct Reaper(Child);

/// What is to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    /// A cgroup, and those directly below it.
    Cgroup,
    /// A mount.
    Mount,
    /// An empty directory.
    Directory,
}

const TRACES: [(u8, Trace); 3] = [
    (b'c', Trace::Cgroup),
    (b'm', Trace::Mount),
    (b'd', Trace::Directory),
];

impl Reaper {
    /// Starts one, out of reach of the terminal's signals.
    ///
    /// # Errors
    ///
    /// No process can be started.
    pub fn start() -> anyhow::Result<Self> {
        let child = Command::new("/proc/self/exe")
            .args(COMMAND)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn();
        Ok(Self(
            child.context("cannot start the process that cleans up")?,
        ))
    }

    /// Tells it what is about to be made.
    ///
    /// # Errors
    ///
    /// It is gone.
    pub fn expect(&mut self, trace: Trace, path: &Path) -> anyhow::Result<()> {
        let letter = TRACES
            .iter()
            .find(|(_, one)| *one == trace)
            .map(|(letter, _)| *letter);
        let mut message: Vec<u8> = letter.into_iter().collect();
        message.extend(path.as_os_str().as_bytes());
        message.push(0);
        let pipe = self.0.stdin.as_mut().context("the reaper was sent away")?;
        pipe.write_all(&message)
            .context("the process that cleans up is gone")
    }

    /// Has it remove everything, and waits for that.
    ///
    /// # Errors
    ///
    /// Something could not be removed; it has said what.
    pub fn finish(&mut self) -> anyhow::Result<()> {
        drop(self.0.stdin.take());
        let status = self.0.wait().context("the process that cleans up")?;
        if !status.success() {
            bail!("not everything could be removed");
        }
        Ok(())
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        // After `finish` nothing is left to do.
        let _ = self.finish();
    }
}

/// The reaper itself: waits for its standard input to end.
///
/// # Errors
///
/// What could not be removed.
pub fn reap() -> anyhow::Result<()> {
    let mut told = Vec::new();
    io::stdin().read_to_end(&mut told)?;
    let mut failed = Ok(());
    for message in told.split(|&byte| byte == 0).rev() {
        let Some((letter, path)) = message.split_first() else {
            continue;
        };
        let Some((_, trace)) = TRACES.iter().find(|(known, _)| known == letter) else {
            continue;
        };
        let path = PathBuf::from(OsString::from_vec(path.to_vec()));
        if let Err(error) = remove(*trace, &path) {
            failed = Err(error).with_context(|| format!("cannot remove {}", path.display()));
        }
    }
    failed
}

/// Removes it, if it is there.
fn remove(trace: Trace, path: &Path) -> io::Result<()> {
    let done = match trace {
        Trace::Mount => unmount(path, UnmountFlags::DETACH).map_err(io::Error::from),
        Trace::Directory => fs::remove_dir(path),
        Trace::Cgroup => cgroup(path),
    };
    match done {
        // It was never mounted.
        Err(error) if trace == Trace::Mount && error.kind() == io::ErrorKind::InvalidInput => {
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

fn cgroup(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            patiently(&entry.path())?;
        }
    }
    patiently(path)
}

fn patiently(path: &Path) -> io::Result<()> {
    for _ in 0..TRIES {
        match fs::remove_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                std::thread::sleep(BETWEEN)
            }
            done => return done,
        }
    }
    fs::remove_dir(path)
}

/// The name of what this process makes.
pub fn own_name() -> String {
    format!("{NAME}.{}", std::process::id())
}

/// Whether something has a name that a nospace gave which is no more.
pub fn is_left_behind(name: &OsStr) -> bool {
    let pid = name
        .to_str()
        .and_then(|name| name.strip_prefix(NAME)?.strip_prefix('.')?.parse().ok());
    let pid = pid.and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) == Err(rustix::io::Errno::SRCH))
}

/// Removes a trace that an earlier nospace and its reaper left behind, both killed.
///
/// # Errors
///
/// It cannot be removed.
pub fn remove_left_behind(trace: Trace, path: &Path) -> anyhow::Result<()> {
    remove(trace, path)
        .with_context(|| format!("cannot remove {}, which was left behind", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_dead_leave_things_behind() {
        assert!(!is_left_behind(own_name().as_ref()));
        // Above any pid_max.
        assert!(is_left_behind("nospace-exhaust.2000000000".as_ref()));
        for other in [
            "nospace-exhaust",
            "nospace-exhaust.x",
            "nospace-exhaust.1/..",
            "nginx.2000000000",
        ] {
            assert!(!is_left_behind(other.as_ref()), "{other}");
        }
    }
}
