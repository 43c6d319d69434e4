use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nospace_core::history::Recent;
use rustix::fs::OFlags;

use super::clock::Clock;
use super::lines::{FORMAT, Line, write};
use super::restore::restore;
use crate::ui::warn;

/// Bytes from which the file is written anew with what is kept; that takes some 700 kB at most.
const MAX_FILE: u64 = 4 << 20;
const NAME: &str = "history.log";
/// The file in the making, and one that could not be used.
const NEW: &str = "history.log.new";
const DAMAGED: &str = "history.log.damaged";
const LOCK: &str = "lock";

/// The history on disk: a file that is appended to at each collection.
///
/// An agent that is killed leaves the last line unfinished at most. A new file replaces the old one only when it is complete.
pub struct StateFile {
    directory: PathBuf,
    /// Keeps other agents out as long as it is open.
    _lock: File,
    boot: String,
    /// `None` while it cannot be written.
    file: Option<File>,
    size: u64,
    /// Tracks that the file has the name of.
    named: BTreeSet<u32>,
}

/// What is to be written.
pub struct Save {
    bytes: Vec<u8>,
    named: BTreeSet<u32>,
    /// All of it, instead of more.
    anew: bool,
}

impl StateFile {
    /// Reads what an earlier agent has left into `recent`; `None` where the directory cannot be used. Says what is wrong on standard error.
    pub fn open(directory: &Path, recent: &mut Recent, clock: &Clock) -> Option<Self> {
        let lock = match locked(directory) {
            Ok(lock) => lock,
            Err(why) => {
                warn(&format!(
                    "the history is kept in memory only: {} (--state-dir) {why}",
                    directory.display()
                ));
                return None;
            }
        };
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
        let mut state = Self {
            directory: directory.to_owned(),
            _lock: lock,
            boot: boot.unwrap_or_default().trim().to_owned(),
            file: None,
            size: 0,
            named: BTreeSet::new(),
        };
        state.read(recent, clock);
        let all = state.all(recent, clock);
        if let Err(error) = state.replace(&all) {
            state.complain(&error);
        }
        Some(state)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn read(&self, recent: &mut Recent, clock: &Clock) {
        let path = self.path(NAME);
        let read = match open(OpenOptions::new().read(true), &path) {
            Ok(file) => check(&file).and_then(|()| restore(&file, &self.boot, clock, recent)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => Err(format!("cannot be opened: {error}")),
        };
        let Err(why) = read else { return };
        let kept = match recent.newest() {
            Some(_) => "; what comes before is used",
            None => "; the history begins anew",
        };
        let moved = match std::fs::rename(&path, self.path(DAMAGED)) {
            Ok(()) => format!(", and the file is now {DAMAGED}"),
            Err(error) => format!(", and the file cannot be set aside: {error}"),
        };
        warn(&format!("{}: {why}{kept}{moved}", path.display()));
    }

    /// What the newest collection has changed, or all where the file has become too long or could not be written before.
    pub fn prepare(&self, recent: &Recent, clock: &Clock) -> Option<Save> {
        if self.file.is_none() {
            // Once for each slot: a full disk may have room again.
            let newest = recent.newest_record()?;
            return (newest.collections == 1).then(|| self.all(recent, clock));
        }
        let mut bytes = Vec::new();
        let mut named = self.named.clone();
        for (id, name) in recent.names() {
            if named.insert(id) {
                write(&Line::Name { id, name }, &mut bytes);
            }
        }
        let slot = recent.newest_record()?;
        let wall = clock.time_of_day(slot.last).as_millisecond();
        write(&Line::Slot { wall, slot }, &mut bytes);
        if self.size + bytes.len() as u64 > MAX_FILE {
            return Some(self.all(recent, clock));
        }
        Some(Save {
            bytes,
            named,
            anew: false,
        })
    }

    fn all(&self, recent: &Recent, clock: &Clock) -> Save {
        let mut bytes = Vec::new();
        write(&Line::Format(FORMAT), &mut bytes);
        write(&Line::Boot(self.boot.clone()), &mut bytes);
        let mut named = BTreeSet::new();
        for (id, name) in recent.names() {
            named.insert(id);
            write(&Line::Name { id, name }, &mut bytes);
        }
        for slot in recent.records() {
            let wall = clock.time_of_day(slot.last).as_millisecond();
            write(&Line::Slot { wall, slot }, &mut bytes);
        }
        Save {
            bytes,
            named,
            anew: true,
        }
    }

    /// Writes it. What fails is said once; the history goes on in memory.
    pub fn save(&mut self, save: &Save) {
        let was_well = self.file.is_some();
        let written = match save.anew {
            true => self.replace(save),
            false => self.append(save),
        };
        match written {
            Ok(()) if !was_well => warn(&format!("{} is written again", self.path(NAME).display())),
            Ok(()) => {}
            Err(error) => {
                self.file = None;
                if was_well {
                    self.complain(&error);
                }
            }
        }
    }

    fn append(&mut self, save: &Save) -> io::Result<()> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        if let Err(error) = file.write_all(&save.bytes) {
            // Half a line in the middle would be damage.
            let _ = file.set_len(self.size);
            return Err(error);
        }
        self.size += save.bytes.len() as u64;
        self.named.clone_from(&save.named);
        Ok(())
    }

    fn replace(&mut self, save: &Save) -> io::Result<()> {
        let new = self.path(NEW);
        let file = self.write_new(&new, &save.bytes);
        let file = file.inspect_err(|_| {
            let _ = std::fs::remove_file(&new);
        })?;
        self.file = Some(file);
        self.size = save.bytes.len() as u64;
        self.named.clone_from(&save.named);
        Ok(())
    }

    fn write_new(&self, new: &Path, bytes: &[u8]) -> io::Result<File> {
        match std::fs::remove_file(new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = open(OpenOptions::new().append(true).create_new(true), new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(new, self.path(NAME))?;
        Ok(file)
    }

    fn complain(&self, error: &io::Error) {
        warn(&format!(
            "{} cannot be written: {error}; the history goes on in memory and is lost at a restart",
            self.path(NAME).display()
        ));
    }
}

/// Links are not followed, and nothing waits for a pipe.
fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    #[expect(clippy::cast_possible_wrap, reason = "flags")]
    options
        .mode(0o600)
        .custom_flags(flags.bits() as i32)
        .open(path)
}

fn check(file: &File) -> Result<(), String> {
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("is not a regular file".to_owned());
    }
    if metadata.len() > 2 * MAX_FILE {
        return Err(format!(
            "is {} MiB long, which no history is",
            metadata.len() >> 20
        ));
    }
    Ok(())
}

/// Makes the directory where it is missing, and locks it.
fn locked(directory: &Path) -> Result<File, String> {
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(format!("cannot be made: {error}"));
        }
        _ => {}
    }
    let lock = open(
        OpenOptions::new().write(true).create(true),
        &directory.join(LOCK),
    );
    let lock = lock.map_err(|error| format!("cannot be written: {error}"))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err("is used by another agent".to_owned()),
        Err(TryLockError::Error(error)) => Err(format!("cannot be locked: {error}")),
    }
}
