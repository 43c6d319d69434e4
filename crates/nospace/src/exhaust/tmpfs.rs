use std::fs::{self, File, OpenOptions};
use std::path::Path;

use anyhow::Context as _;
use rustix::fs::{FallocateFlags, fallocate, statfs};
use rustix::io::Errno;
use rustix::mount::MountFlags;

use super::cleanup::own_name;
use super::consumer::{Consumer, Overhead, TakeResult};
use super::place::MountPlace;
use super::request::Headroom;

/// The file that takes the space.
const FILLING: &str = "filling";

/// Which resource of the file system is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TmpfsResource {
    /// Inodes: empty files.
    Inodes,
    /// Bytes: one file.
    Blocks,
}

/// A file system in memory, of its own, that everybody sees.
#[derive(Debug)]
pub struct Tmpfs {
    place: MountPlace,
    fill: TmpfsResource,
    files: u64,
    file: Option<File>,
    bytes: u64,
}

impl Tmpfs {
    /// An empty one with `size` inodes or bytes, on `place` or a new directory.
    ///
    /// # Errors
    ///
    /// Without CAP_SYS_ADMIN, or where `place` is no empty directory.
    pub fn new(fill: TmpfsResource, size: u64, place: Option<&Path>) -> anyhow::Result<Self> {
        let mut place = MountPlace::new(place)?;
        let options = match fill {
            // One more is its root.
            TmpfsResource::Inodes => format!("mode=1777,nr_inodes={}", size.saturating_add(1)),
            TmpfsResource::Blocks => format!("mode=1777,size={size}"),
        };
        let flags = MountFlags::NODEV | MountFlags::NOSUID | MountFlags::NOEXEC;
        place.mount(&own_name(), "tmpfs", flags, &options)?;
        let file = match fill {
            TmpfsResource::Inodes => None,
            TmpfsResource::Blocks => Some(create(&place.path().join(FILLING))?),
        };
        Ok(Self {
            place,
            fill,
            files: 0,
            file,
            bytes: 0,
        })
    }

    /// Where it is mounted.
    #[must_use]
    pub fn place(&self) -> String {
        self.place.path().display().to_string()
    }

    /// What there is before anything is taken.
    ///
    /// # Errors
    ///
    /// statfs(2) fails.
    pub fn headroom(&self) -> anyhow::Result<Headroom> {
        let (limit, free) = self.usage().with_context(|| self.place())?;
        Ok(Headroom::exact(limit, free))
    }

    fn usage(&self) -> rustix::io::Result<(u64, u64)> {
        let usage = statfs(self.place.path())?;
        let block = u64::try_from(usage.f_bsize).unwrap_or(1);
        Ok(match self.fill {
            TmpfsResource::Inodes => (usage.f_files, usage.f_ffree),
            TmpfsResource::Blocks => (usage.f_blocks * block, usage.f_bavail * block),
        })
    }
}

fn create(path: &Path) -> anyhow::Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    file.with_context(|| path.display().to_string())
}

impl Tmpfs {
    fn one_file(&mut self) -> std::io::Result<()> {
        let path = self.place.path().join(self.files.to_string());
        OpenOptions::new().write(true).create_new(true).open(path)?;
        self.files += 1;
        Ok(())
    }

    fn files(&mut self, count: u64) -> anyhow::Result<TakeResult> {
        for done in 0..count {
            match self
                .one_file()
                .map_err(|error| (Errno::from_io_error(&error), error))
            {
                Ok(()) => {}
                Err((Some(Errno::NOSPC), _)) => {
                    return Ok(TakeResult {
                        count: done,
                        refusal: Some(Errno::NOSPC),
                    });
                }
                Err((_, error)) => return Err(error).with_context(|| self.place()),
            }
        }
        Ok(TakeResult {
            count,
            refusal: None,
        })
    }

    /// In whole pages; all that is asked for or nothing, so no more is asked for than there is.
    fn space(&mut self, count: u64) -> anyhow::Result<TakeResult> {
        let file = self.file.as_ref().context("no file")?;
        let free = self.usage()?.1;
        let count = whole(count.min(free), page());
        let refused = TakeResult {
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
        Ok(TakeResult {
            count,
            refusal: None,
        })
    }
}

impl Consumer for Tmpfs {
    fn take(&mut self, count: u64) -> anyhow::Result<TakeResult> {
        match self.fill {
            TmpfsResource::Inodes => self.files(count),
            TmpfsResource::Blocks => self.space(count),
        }
    }

    fn give_back(&mut self, count: u64) -> anyhow::Result<()> {
        if let Some(file) = &self.file {
            self.bytes = whole(self.bytes.saturating_sub(count), page());
            return file.set_len(self.bytes).with_context(|| self.place());
        }
        for _ in 0..count.min(self.files) {
            self.files -= 1;
            let path = self.place.path().join(self.files.to_string());
            fs::remove_file(&path).with_context(|| path.display().to_string())?;
        }
        Ok(())
    }

    fn held(&self) -> u64 {
        match self.fill {
            TmpfsResource::Inodes => self.files,
            TmpfsResource::Blocks => self.bytes,
        }
    }

    fn step(&self) -> u64 {
        match self.fill {
            TmpfsResource::Inodes => 1024,
            TmpfsResource::Blocks => 8 << 20,
        }
    }

    fn left(&mut self) -> Option<u64> {
        Some(self.usage().ok()?.1)
    }

    fn overhead(&self) -> Overhead {
        Overhead {
            inodes: self.files + u64::from(self.file.is_some()),
            instances: 0,
        }
    }

    fn release(&mut self) -> anyhow::Result<()> {
        self.file = None;
        (self.files, self.bytes) = (0, 0);
        self.place.release()
    }
}

/// What a tmpfs gives out at once, at least: 16 or 64 KiB on some arm64 kernels.
fn page() -> u64 {
    rustix::param::page_size() as u64
}

/// The whole pages among these bytes.
const fn whole(bytes: u64, page: u64) -> u64 {
    bytes - bytes % page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_pages_leave_no_less_than_asked() {
        let size = 8 << 20;
        for page in [4096, 16_384, 65_536] {
            let taken = whole(size - 4096, page);
            assert_eq!((taken % page, size - taken), (0, page));
        }
    }

    #[test]
    fn no_whole_page_is_nothing() {
        assert_eq!(whole(4096, 65_536), 0);
    }
}
