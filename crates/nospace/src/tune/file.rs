//! A small file that is replaced in one step, below a directory that it never leaves.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

/// A file at a fixed place below a root.
#[derive(Debug)]
pub struct RootedFile {
    root: OwnedFd,
    confined: bool,
    directory: &'static Path,
    name: &'static str,
}

/// The file's directory, held open.
#[derive(Debug)]
pub struct OpenDirectory<'a> {
    directory: File,
    file: &'a RootedFile,
    /// It was created for the file.
    pub created: bool,
}

type Done<T> = Result<T, Errno>;

impl RootedFile {
    /// `path`, absolute, below `root`. Links below a root other than `/` lead to places below it, never out.
    pub fn new(root: &Path, path: &'static str) -> Done<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let path = Path::new(path.trim_start_matches('/'));
        Ok(Self {
            root: rustix::fs::open(root, flags, Mode::empty())?,
            confined: root != Path::new("/"),
            directory: path.parent().unwrap_or(Path::new("")),
            name: path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default(),
        })
    }

    /// Its contents; `None` where there is no such file. A link in its place is not followed.
    pub fn read(&self) -> Done<Option<Vec<u8>>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let open = || {
            let directory = self.open(self.directory, OFlags::PATH | OFlags::DIRECTORY)?;
            rustix::fs::openat(directory, self.name, flags, Mode::empty())
        };
        let file = match open() {
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
            opened => File::from(opened?),
        };
        let mut bytes = Vec::new();
        // Longer than anything that tune writes.
        file.take(1 << 20)
            .read_to_end(&mut bytes)
            .map_err(|error| errno(&error))?;
        Ok(Some(bytes))
    }

    /// Opens it to be locked, and makes it where it is missing: for its owner alone.
    pub fn open_private(&self) -> Done<OwnedFd> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = self.open(self.directory, OFlags::PATH | OFlags::DIRECTORY)?;
        rustix::fs::openat(directory, self.name, flags, Mode::from_raw_mode(0o600))
    }

    /// Opens its directory, and makes it where it is missing.
    pub fn directory(&self) -> Done<OpenDirectory<'_>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let (directory, created) = match self.open(self.directory, flags) {
            Err(Errno::NOENT) => {
                self.create()?;
                (self.open(self.directory, flags)?, true)
            }
            opened => (opened?, false),
        };
        if created {
            // Whatever the umask says: settings are for all to read.
            rustix::fs::fchmod(&directory, Mode::from_raw_mode(0o755))?;
        }
        Ok(OpenDirectory {
            directory: directory.into(),
            file: self,
            created,
        })
    }

    fn create(&self) -> Done<()> {
        let (Some(parent), Some(name)) = (self.directory.parent(), self.directory.file_name())
        else {
            return Err(Errno::NOENT);
        };
        let parent = self.open(parent, OFlags::RDONLY | OFlags::DIRECTORY)?;
        rustix::fs::mkdirat(&parent, name, Mode::from_raw_mode(0o755))?;
        rustix::fs::fsync(&parent)
    }

    fn open(&self, path: &Path, flags: OFlags) -> Done<OwnedFd> {
        let flags = flags | OFlags::CLOEXEC;
        let path = if path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            path
        };
        if self.confined {
            // Without openat2 (before Linux 5.6) there is no safe way: ENOSYS is the answer then.
            return rustix::fs::openat2(
                &self.root,
                path,
                flags,
                Mode::empty(),
                ResolveFlags::IN_ROOT,
            );
        }
        rustix::fs::openat(&self.root, path, flags, Mode::empty())
    }
}

impl OpenDirectory<'_> {
    /// Puts `bytes` in the file's place. Whenever this ends, the old file is there, or the new one, whole.
    pub fn replace(&self, bytes: &[u8]) -> Done<()> {
        let new = self.temporary();
        // What a killed run has left. Its name ends in no .conf: nobody reads it.
        self.forget(&new)?;
        let written = self.write(&new, bytes).and_then(|()| {
            rustix::fs::renameat(&self.directory, &new, &self.directory, self.file.name)
        });
        if let Err(error) = written {
            // The first error is the one to tell.
            let _ = self.forget(&new);
            return Err(error);
        }
        self.settle()
    }

    /// Takes the file away, and with `directory` also what it was in, where that is empty then.
    pub fn remove(&self, directory: bool) -> Done<()> {
        self.forget(self.temporary().as_path())?;
        self.forget(Path::new(self.file.name))?;
        self.settle()?;
        let (Some(parent), Some(name)) = (
            self.file.directory.parent(),
            self.file.directory.file_name(),
        ) else {
            return Ok(());
        };
        if directory {
            let parent = self.file.open(parent, OFlags::RDONLY | OFlags::DIRECTORY)?;
            match rustix::fs::unlinkat(&parent, name, AtFlags::REMOVEDIR) {
                Ok(()) => rustix::fs::fsync(&parent)?,
                Err(Errno::NOTEMPTY | Errno::EXIST | Errno::BUSY) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn write(&self, name: &Path, bytes: &[u8]) -> Done<()> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.directory, name, flags, Mode::from_raw_mode(0o644))?;
        // Whatever the umask says: sysctl files are for all to read.
        rustix::fs::fchmod(&file, Mode::from_raw_mode(0o644))?;
        let mut file = File::from(file);
        file.write_all(bytes).map_err(|error| errno(&error))?;
        rustix::fs::fsync(file.as_fd())
    }

    fn forget(&self, name: &Path) -> Done<()> {
        match rustix::fs::unlinkat(&self.directory, name, AtFlags::empty()) {
            Err(Errno::NOENT) => Ok(()),
            done => done,
        }
    }

    fn temporary(&self) -> PathBuf {
        format!(".{}.new", self.file.name).into()
    }

    fn settle(&self) -> Done<()> {
        rustix::fs::fsync(&self.directory)
    }
}

fn errno(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
