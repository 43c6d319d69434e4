use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use nospace_core::parse::mountinfo;
use rustix::fs::{FallocateFlags, fallocate, statfs};
use rustix::io::Errno;
use rustix::mount::{MountFlags, mount};

use super::reaper::{Reaper, Trace, is_left_behind, own_name, remove_left_behind};
use super::{Hold, Room, Taken};

/// Below this its directory is made, unless one is given.
const HOME: &str = "/run";
/// What a tmpfs gives out at once, at least.
const PAGE: u64 = 4096;
/// The file that takes the space.
const FILLING: &str = "filling";

/// What of a file system is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// Inodes: empty files.
    Inodes,
    /// Bytes: one file.
    Blocks,
}

/// A file system in memory, of its own, that everybody sees.
#[derive(Debug)]
pub struct Tmpfs {
    place: PathBuf,
    fill: Fill,
    files: u64,
    file: Option<File>,
    bytes: u64,
    reaper: Reaper,
}

impl Tmpfs {
    /// An empty one with so many inodes or bytes, on `place` or a new directory.
    ///
    /// # Errors
    ///
    /// Without CAP_SYS_ADMIN, or where `place` is no empty directory.
    pub fn new(fill: Fill, size: u64, place: Option<&Path>) -> anyhow::Result<Self> {
        clean()?;
        let mut reaper = Reaper::start()?;
        let place = match place {
            Some(place) => given(place)?,
            None => {
                let place = Path::new(HOME).join(own_name());
                reaper.expect(Trace::Directory, &place)?;
                fs::create_dir(&place)
                    .with_context(|| format!("cannot make {}", place.display()))?;
                place
            }
        };
        let options = match fill {
            // One more is its root.
            Fill::Inodes => format!("mode=1777,nr_inodes={}", size.saturating_add(1)),
            Fill::Blocks => format!("mode=1777,size={size}"),
        };
        reaper.expect(Trace::Mount, &place)?;
        let options = CString::new(options)?;
        let flags = MountFlags::NODEV | MountFlags::NOSUID | MountFlags::NOEXEC;
        mount(own_name(), &place, "tmpfs", flags, Some(options.as_c_str())).with_context(|| {
            format!(
                "cannot mount a tmpfs on {}: that needs CAP_SYS_ADMIN",
                place.display()
            )
        })?;
        let file = match fill {
            Fill::Inodes => None,
            Fill::Blocks => Some(create(&place.join(FILLING))?),
        };
        Ok(Self {
            place,
            fill,
            files: 0,
            file,
            bytes: 0,
            reaper,
        })
    }

    /// Where it is mounted.
    #[must_use]
    pub fn place(&self) -> String {
        self.place.display().to_string()
    }

    /// What there is before anything is taken.
    ///
    /// # Errors
    ///
    /// statfs(2) fails.
    pub fn room(&self) -> anyhow::Result<Room> {
        let (limit, free) = self.usage().with_context(|| self.place())?;
        Ok(Room::exact(limit, free))
    }

    fn usage(&self) -> rustix::io::Result<(u64, u64)> {
        let usage = statfs(&self.place)?;
        let block = u64::try_from(usage.f_bsize).unwrap_or(1);
        Ok(match self.fill {
            Fill::Inodes => (usage.f_files, usage.f_ffree),
            Fill::Blocks => (usage.f_blocks * block, usage.f_bavail * block),
        })
    }
}

/// What is there would be hidden.
fn given(place: &Path) -> anyhow::Result<PathBuf> {
    let place = place
        .canonicalize()
        .with_context(|| place.display().to_string())?;
    let mut entries = fs::read_dir(&place).with_context(|| place.display().to_string())?;
    if entries.next().is_some() {
        bail!(
            "{} is not empty: what is in it would be hidden",
            place.display()
        );
    }
    Ok(place)
}

fn create(path: &Path) -> anyhow::Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    file.with_context(|| path.display().to_string())
}

/// What an earlier one left behind that was killed, and its reaper too.
fn clean() -> anyhow::Result<()> {
    let mounts = fs::read("/proc/self/mountinfo").context("/proc/self/mountinfo")?;
    for mount in mountinfo::mounts(&mounts).context("/proc/self/mountinfo")? {
        if mount.fstype == "tmpfs" && is_left_behind(mount.source.as_ref()) {
            remove_left_behind(Trace::Mount, Path::new(&mount.mountpoint))?;
        }
    }
    for entry in fs::read_dir(HOME).into_iter().flatten().flatten() {
        if is_left_behind(&entry.file_name()) {
            remove_left_behind(Trace::Directory, &entry.path())?;
        }
    }
    Ok(())
}

impl Tmpfs {
    fn one_file(&mut self) -> std::io::Result<()> {
        let path = self.place.join(self.files.to_string());
        OpenOptions::new().write(true).create_new(true).open(path)?;
        self.files += 1;
        Ok(())
    }

    fn files(&mut self, count: u64) -> anyhow::Result<Taken> {
        for done in 0..count {
            match self
                .one_file()
                .map_err(|error| (Errno::from_io_error(&error), error))
            {
                Ok(()) => {}
                Err((Some(Errno::NOSPC), _)) => {
                    return Ok(Taken {
                        count: done,
                        refusal: Some(Errno::NOSPC),
                    });
                }
                Err((_, error)) => return Err(error).with_context(|| self.place()),
            }
        }
        Ok(Taken {
            count,
            refusal: None,
        })
    }

    /// In whole pages; all that is asked for or nothing, so no more is asked for than there is.
    fn space(&mut self, count: u64) -> anyhow::Result<Taken> {
        let file = self.file.as_ref().context("no file")?;
        let free = self.usage()?.1;
        let count = count.min(free) / PAGE * PAGE;
        let refused = Taken {
            count: 0,
            refusal: Some(Errno::NOSPC),
        };
        if free == 0 {
            return Ok(refused);
        }
        if count > 0 {
            match fallocate(file, FallocateFlags::empty(), self.bytes, count) {
                Ok(()) => self.bytes += count,
                Err(Errno::NOSPC) => return Ok(refused),
                Err(errno) => return Err(errno).with_context(|| self.place()),
            }
        }
        Ok(Taken {
            count,
            refusal: None,
        })
    }
}

impl Hold for Tmpfs {
    fn take(&mut self, count: u64) -> anyhow::Result<Taken> {
        match self.fill {
            Fill::Inodes => self.files(count),
            Fill::Blocks => self.space(count),
        }
    }

    fn give_back(&mut self, count: u64) -> anyhow::Result<()> {
        if let Some(file) = &self.file {
            self.bytes = self.bytes.saturating_sub(count) / PAGE * PAGE;
            return file.set_len(self.bytes).with_context(|| self.place());
        }
        for _ in 0..count.min(self.files) {
            self.files -= 1;
            let path = self.place.join(self.files.to_string());
            fs::remove_file(&path).with_context(|| path.display().to_string())?;
        }
        Ok(())
    }

    fn held(&self) -> u64 {
        match self.fill {
            Fill::Inodes => self.files,
            Fill::Blocks => self.bytes,
        }
    }

    fn step(&self) -> u64 {
        match self.fill {
            Fill::Inodes => 1024,
            Fill::Blocks => 8 << 20,
        }
    }

    fn left(&mut self) -> Option<u64> {
        Some(self.usage().ok()?.1)
    }

    fn cost(&self) -> (u64, u64) {
        (self.files + u64::from(self.file.is_some()), 0)
    }

    fn release(&mut self) -> anyhow::Result<()> {
        self.file = None;
        (self.files, self.bytes) = (0, 0);
        self.reaper.finish()
    }
}
