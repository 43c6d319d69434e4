//! What is watched or marked: inodes without a name, each kept by a descriptor.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rustix::fs::{MemfdFlags, Mode, OFlags, memfd_create, mkdir, open, rmdir};
use rustix::io::Errno;
use rustix::process::{chdir, fchdir};

use super::cleanup::{NAME, own_name};
use super::descriptors;

/// Where a directory can be made in memory, of which hardly any machine has neither.
const IN_MEMORY: [&str; 2] = ["/dev/shm", "/run"];
/// Where descriptors have paths.
const DESCRIPTORS: &str = "/proc/self/fd";

/// Makes them.
#[derive(Debug)]
pub enum InodeSource {
    /// Directories that are made here and removed at once. The kernel has no path to walk for `.`, and that is
    /// most of what a watch costs.
    Directories(PathBuf),
    /// Files in memory, where no directory can be made.
    Files,
}

/// One of them. Its watches would go with its last descriptor.
#[derive(Debug)]
pub struct WatchInode {
    descriptor: OwnedFd,
    /// Of a file, in [`DESCRIPTORS`].
    name: Option<CString>,
}

impl InodeSource {
    /// The best that can be made here.
    pub fn new() -> Self {
        let homes = IN_MEMORY
            .iter()
            .map(|home| Path::new(home).join(own_name()));
        let found = homes.into_iter().find(|path| {
            // Of one that was killed, and had the same pid.
            let _ = rmdir(path);
            directory(path).is_ok()
        });
        found.map_or(Self::Files, Self::Directories)
    }

    /// A new one.
    pub fn make(&self) -> anyhow::Result<WatchInode> {
        let made = match self {
            Self::Directories(path) => directory(path).map(|descriptor| WatchInode {
                descriptor,
                name: None,
            }),
            Self::Files => file(),
        };
        match made {
            Err(Errno::MFILE) => Err(descriptors::too_few()),
            made => made.context("cannot create a file to watch"),
        }
    }
}

fn directory(path: &Path) -> rustix::io::Result<OwnedFd> {
    mkdir(path, Mode::RWXU)?;
    let opened = open(
        path,
        OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC,
        Mode::empty(),
    );
    let removed = rmdir(path);
    let opened = opened?;
    removed?;
    Ok(opened)
}

/// An empty file in memory, without a name.
pub fn memory_file() -> rustix::io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC;
    match memfd_create(NAME, flags | MemfdFlags::NOEXEC_SEAL) {
        // Linux before 6.3.
        Err(Errno::INVAL) => memfd_create(NAME, flags),
        done => done,
    }
}

fn file() -> rustix::io::Result<WatchInode> {
    let file = memory_file()?;
    let name = CString::new(file.as_raw_fd().to_string()).map_err(|_| Errno::INVAL)?;
    Ok(WatchInode {
        descriptor: file,
        name: Some(name),
    })
}

impl WatchInode {
    /// The descriptor that keeps it.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }

    /// Goes where it can be named in few words.
    pub fn enter(&self) -> anyhow::Result<()> {
        match self.name {
            None => fchdir(&self.descriptor).context("fchdir"),
            Some(_) => chdir(DESCRIPTORS).context(DESCRIPTORS),
        }
    }

    /// Its path from there.
    pub fn path(&self) -> &CStr {
        self.name.as_deref().unwrap_or(c".")
    }
}
