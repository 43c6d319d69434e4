//! One nospace at a time changes limits, and nobody else can keep it from that.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::file::RootedFile;
use super::site::Site;
use crate::ui::screen::warn;

/// In a directory and with a mode that let only root open it, which flock(2) needs.
const LOCK: &str = "/run/nospace-tune.lock";
/// A run takes a fraction of a second.
const MAX_WAIT: Duration = Duration::from_secs(30);
/// Nothing is said of a shorter wait.
const QUIET: Duration = Duration::from_secs(1);
const RETRY_DELAY: Duration = Duration::from_millis(50);

/// Held while limits are changed; released when it is dropped, and by the kernel when nospace dies.
#[derive(Debug)]
pub struct TuneLock {
    _held: Option<OwnedFd>,
}

impl TuneLock {
    /// Waits for it, no longer than 30 s. There is none to take without root (for an image of one's own), and where /run is full or
    /// read-only: tune goes on then, as limits are short.
    ///
    /// # Errors
    ///
    /// Another nospace has it all the time, or it cannot be taken.
    pub fn acquire(site: &Site<'_>) -> anyhow::Result<Self> {
        // An image is prepared on this machine, and is not littered.
        let root = if site.is_image() {
            Path::new("/")
        } else {
            &site.rootfs
        };
        let opened = RootedFile::new(root, LOCK).and_then(|file| file.open_private());
        let file = match opened {
            Ok(file) => file,
            Err(
                Errno::ACCESS
                | Errno::PERM
                | Errno::ROFS
                | Errno::NOENT
                | Errno::NOSPC
                | Errno::DQUOT,
            ) => return Ok(Self { _held: None }),
            Err(error) => return Err(error).context(LOCK),
        };
        wait(&file)?;
        Ok(Self { _held: Some(file) })
    }
}

fn wait(file: &OwnedFd) -> anyhow::Result<()> {
    let begin = Instant::now();
    let mut told = false;
    loop {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            Err(Errno::WOULDBLOCK | Errno::INTR) => {}
            Err(error) => return Err(error).context(LOCK),
        }
        if begin.elapsed() > MAX_WAIT {
            bail!(
                "nothing was changed: another nospace has held {LOCK} for {} s; `fuser {LOCK}` names it",
                MAX_WAIT.as_secs()
            );
        }
        if begin.elapsed() > QUIET && !told {
            warn(&format!(
                "waiting for another nospace to finish, at most {} s ({LOCK})",
                MAX_WAIT.as_secs()
            ));
            told = true;
        }
        std::thread::sleep(RETRY_DELAY);
    }
}
