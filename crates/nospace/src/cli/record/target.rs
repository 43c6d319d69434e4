//! Where an archive goes.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::super::stop::first_only;
use crate::ui::warn;

/// Only its owner may read an archive: it says what runs on a node.
const MODE: Mode = Mode::from_raw_mode(0o600);

/// Directories of links to descriptors of this process.
const OWN: [&str; 2] = ["/dev/fd", "/proc/self/fd"];

/// Where an archive goes.
pub enum Target {
    /// A file that appears, or is replaced, when the archive is complete.
    File,
    /// Something that is written to as it is: standard output, a FIFO, a device.
    Stream(File),
}

impl Target {
    pub fn of(path: &Path) -> anyhow::Result<Self> {
        if path == Path::new("-") || path == Path::new("/dev/stdout") {
            let stdout = io::stdout().as_fd().try_clone_to_owned()?;
            return Ok(Self::Stream(stdout.into()));
        }
        match fs::symlink_metadata(path) {
            // A descriptor of this process, as a shell's >(command) gives it.
            Ok(there) if there.is_symlink() && !OWN.iter().any(|fds| path.starts_with(fds)) => {
                bail!(
                    "{} is a link: name the file that it leads to",
                    path.display()
                )
            }
            Ok(there) if there.is_file() || there.is_dir() => Ok(Self::File),
            Ok(there) if there.file_type().is_block_device() => {
                bail!(
                    "{} is a disk: an archive would overwrite what is on it",
                    path.display()
                )
            }
            Ok(there) => {
                if there.file_type().is_fifo() {
                    warn(&format!("waiting for a reader of {}", path.display()));
                }
                // It may have become a link meanwhile.
                let follow = if there.is_symlink() {
                    OFlags::empty()
                } else {
                    OFlags::NOFOLLOW
                };
                let flags = OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOCTTY | follow;
                let stream = rustix::fs::open(path, flags, Mode::empty());
                let stream = stream.with_context(|| format!("cannot open {}", path.display()))?;
                Ok(Self::Stream(stream.into()))
            }
            Err(_) => Ok(Self::File),
        }
    }
}

/// A file without a name beside the target, which takes that name when [`NewFile::publish`] says so: whatever ends nospace
/// before, nothing half-written stays, where the file system has such files (all local ones of a node do).
pub struct NewFile<'t> {
    target: &'t Path,
    /// The name that it has for a moment, or until then where files without a name are not to be had.
    named: PathBuf,
    /// What to write to.
    pub file: File,
    /// It has `named` from the beginning; a signal must not end nospace before that name is gone.
    pub has_name: bool,
    is_published: bool,
}

impl<'t> NewFile<'t> {
    /// Creates the file.
    ///
    /// # Errors
    ///
    /// When the directory of `target` takes no file.
    pub fn create(target: &'t Path) -> anyhow::Result<Self> {
        let named = beside(target)?;
        let directory = match target.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        let unnamed = rustix::fs::open(directory, flags, MODE).map(File::from);
        let has_name = unnamed.is_err();
        let file = match unnamed {
            Ok(file) => file,
            Err(_) => {
                let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
                File::from(rustix::fs::open(&named, flags, MODE)?)
            }
        };
        Ok(Self {
            target,
            named,
            file,
            has_name,
            is_published: false,
        })
    }

    /// Gives the file the target's name, in place of what had it.
    ///
    /// Where nothing has that name this is one step. To replace a file the kernel needs two, since no call links over a name:
    /// a SIGKILL between them leaves the complete archive under its hidden name. SIGINT, SIGTERM and SIGHUP end nothing from here on.
    ///
    /// # Errors
    ///
    /// When the target cannot be replaced, a directory for example.
    pub fn publish(&mut self) -> anyhow::Result<()> {
        if !self.has_name {
            match self.link_to(self.target) {
                Err(Errno::EXIST) => {}
                linked => {
                    linked?;
                    self.is_published = true;
                    return Ok(());
                }
            }
        }
        // Until the process ends, which is next; a timeline has handlers of its own.
        let _later = first_only(&[SIGINT, SIGTERM, SIGHUP])?;
        if !self.has_name {
            self.link_to(&self.named)?;
        }
        fs::rename(&self.named, self.target)?;
        self.is_published = true;
        Ok(())
    }

    fn link_to(&self, name: &Path) -> rustix::io::Result<()> {
        let own = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        rustix::fs::linkat(CWD, own, CWD, name, AtFlags::SYMLINK_FOLLOW)
    }
}

impl Drop for NewFile<'_> {
    fn drop(&mut self) {
        if !self.is_published {
            // What is half-written is worth nothing.
            let _ = fs::remove_file(&self.named);
        }
    }
}

/// Counts what is written.
pub struct ByteCounter<W> {
    out: W,
    /// Bytes so far.
    pub bytes: u64,
}

impl<W> ByteCounter<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out, bytes: 0 }
    }
}

impl<W: Write> Write for ByteCounter<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.out.write(buffer)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A name in the same directory, so that the rename is one step.
fn beside(path: &Path) -> anyhow::Result<PathBuf> {
    let name = path
        .file_name()
        .with_context(|| format!("{} is not a file name", path.display()))?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}", std::process::id()));
    Ok(path.with_file_name(hidden))
}
