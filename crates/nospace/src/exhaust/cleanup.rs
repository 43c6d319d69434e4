//! Removes what would outlive nospace.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::mount::{UnmountFlags, unmount};
use rustix::process::{Pid, test_kill_process};

/// Everything that is created has this name, a dot, and the pid of its creator; outside of the initial pid namespace also the creator's.
pub const NAME: &str = "nospace-exhaust";
/// The hidden command that runs the cleanup process.
pub const COMMAND: [&str; 2] = ["exhaust", "cleanup"];
/// A cgroup is busy until its last process has been waited for.
const MAX_TRIES: u32 = 50;
const RETRY_DELAY: Duration = Duration::from_millis(20);
/// `PROC_PID_INIT_INO` of the kernel's include/linux/proc_ns.h.
const INITIAL_PID_NAMESPACE: u64 = 0xEFFF_FFFC;

/// A child process that waits for nospace to end, however that happens, and then removes what it was told to expect.
#[derive(Debug)]
pub struct CleanupProcess(Child);

/// What would outlive nospace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leftover {
    /// A cgroup, and those directly below it.
    Cgroup,
    /// A mount.
    Mount,
    /// An empty directory.
    Directory,
}

const LEFTOVERS: [(u8, Leftover); 3] = [
    (b'c', Leftover::Cgroup),
    (b'm', Leftover::Mount),
    (b'd', Leftover::Directory),
];

impl CleanupProcess {
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
        Ok(Self(child.context("cannot start the cleanup process")?))
    }

    /// Tells it what is about to be created.
    ///
    /// # Errors
    ///
    /// It is gone.
    pub fn expect(&mut self, leftover: Leftover, path: &Path) -> anyhow::Result<()> {
        let letter = LEFTOVERS
            .iter()
            .find(|(_, one)| *one == leftover)
            .map(|(letter, _)| *letter);
        let mut message: Vec<u8> = letter.into_iter().collect();
        message.extend(path.as_os_str().as_bytes());
        message.push(0);
        let pipe = self
            .0
            .stdin
            .as_mut()
            .context("the cleanup process has already finished")?;
        pipe.write_all(&message)
            .context("the cleanup process is gone")
    }

    /// Has it remove everything, and waits for that.
    ///
    /// # Errors
    ///
    /// Something could not be removed; it has said what.
    pub fn finish(&mut self) -> anyhow::Result<()> {
        drop(self.0.stdin.take());
        let status = self
            .0
            .wait()
            .context("cannot wait for the cleanup process")?;
        if !status.success() {
            bail!("the cleanup process could not remove everything; see its message above");
        }
        Ok(())
    }
}

impl Drop for CleanupProcess {
    fn drop(&mut self) {
        // After `finish` nothing is left to do.
        let _ = self.finish();
    }
}

/// The cleanup process itself: waits for its standard input to end.
///
/// # Errors
///
/// What could not be removed.
pub fn run_cleanup() -> anyhow::Result<()> {
    let mut messages = Vec::new();
    io::stdin().read_to_end(&mut messages)?;
    let mut failed = Ok(());
    for message in messages.split(|&byte| byte == 0).rev() {
        let Some((letter, path)) = message.split_first() else {
            continue;
        };
        let Some((_, leftover)) = LEFTOVERS.iter().find(|(known, _)| known == letter) else {
            continue;
        };
        let path = PathBuf::from(OsString::from_vec(path.to_vec()));
        if let Err(error) = remove(*leftover, &path) {
            failed = Err(error).with_context(|| format!("cannot remove {}", path.display()));
        }
    }
    failed
}

/// Removes it, if it is there.
fn remove(leftover: Leftover, path: &Path) -> io::Result<()> {
    let done = match leftover {
        Leftover::Mount => unmount(path, UnmountFlags::DETACH).map_err(io::Error::from),
        Leftover::Directory => fs::remove_dir(path),
        Leftover::Cgroup => cgroup(path),
    };
    match done {
        // It was never mounted.
        Err(error)
            if leftover == Leftover::Mount && error.kind() == io::ErrorKind::InvalidInput =>
        {
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
            remove_when_idle(&entry.path())?;
        }
    }
    remove_when_idle(path)
}

fn remove_when_idle(path: &Path) -> io::Result<()> {
    for _ in 0..MAX_TRIES {
        match fs::remove_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                std::thread::sleep(RETRY_DELAY)
            }
            done => return done,
        }
    }
    fs::remove_dir(path)
}

/// The name of everything that this process creates.
pub fn own_name() -> String {
    format!("{NAME}.{}{}", std::process::id(), pid_namespace())
}

/// A dash and the inode of this process's pid namespace; empty in the initial one. `/run` and cgroups may be shared with others, and a pid
/// means something else there.
fn pid_namespace() -> String {
    match fs::metadata("/proc/self/ns/pid").map(|file| file.ino()) {
        Ok(INITIAL_PID_NAMESPACE) | Err(_) => String::new(),
        Ok(inode) => format!("-{inode}"),
    }
}

/// Whether this is the name of something that belongs to a nospace of this pid namespace which no longer runs.
pub fn is_leftover(name: &OsStr) -> bool {
    let namespace = pid_namespace();
    let pid = name.to_str().and_then(|name| {
        let own = name.strip_prefix(NAME)?.strip_prefix('.')?;
        own.strip_suffix(&namespace)?.parse().ok()
    });
    let pid = pid.and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) == Err(rustix::io::Errno::SRCH))
}

/// Removes what is left of an earlier nospace that was killed together with its cleanup process. What another user left stays: it is in
/// nobody's way.
///
/// # Errors
///
/// It cannot be removed.
pub fn remove_leftover(leftover: Leftover, path: &Path) -> anyhow::Result<()> {
    match remove(leftover, path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        removed => removed.with_context(|| {
            format!(
                "cannot remove {}, left over from an earlier run",
                path.display()
            )
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_dead_process_has_leftovers() {
        assert!(!is_leftover(own_name().as_ref()));
        // Above any pid_max.
        let dead = format!("nospace-exhaust.2000000000{}", pid_namespace());
        assert!(is_leftover(dead.as_ref()));
        for other in [
            "nospace-exhaust",
            "nospace-exhaust.x",
            "nospace-exhaust.1/..",
            "nginx.2000000000",
            "nospace-exhaust.2000000000-1",
        ] {
            assert!(!is_leftover(other.as_ref()), "{other}");
        }
    }
}
