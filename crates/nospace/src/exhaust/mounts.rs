use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use nospace_core::parse::mountinfo;
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_bind, unmount};

use super::cleanup::NAME;
use super::consumer::{Consumer, TakeResult};
use super::place::private_mounts;
use super::request::Headroom;

/// Directories that they lie on, and then on each other: the kernel goes through all that lie on one.
const DIRECTORIES: u64 = 10_000;

/// Mounts in a mount namespace of nospace's own.
#[derive(Debug)]
pub struct Mounts {
    place: PathBuf,
    /// What is mounted again and again.
    source: PathBuf,
    limit: u64,
    held: u64,
    /// Directories made.
    made: u64,
    /// Held when the kernel refused one more.
    most: Option<u64>,
}

impl Mounts {
    /// None yet. The calling thread gets a mount namespace of its own, and so does what it starts.
    ///
    /// # Errors
    ///
    /// Without CAP_SYS_ADMIN.
    pub fn new() -> anyhow::Result<Self> {
        let place = private_mounts()?;
        mount(
            NAME,
            &place,
            "tmpfs",
            MountFlags::empty(),
            Some(c"size=1m,nr_inodes=11000,mode=755"),
        )
        .with_context(|| format!("cannot mount a tmpfs on {}", place.display()))?;
        // Of a mount with children the kernel would look at each of them every time.
        let source = place.join("source");
        fs::create_dir(&source).with_context(|| source.display().to_string())?;
        mount_bind(&source, &source).with_context(|| source.display().to_string())?;
        let limit =
            fs::read_to_string("/proc/sys/fs/mount-max").context("/proc/sys/fs/mount-max")?;
        Ok(Self {
            place,
            source,
            limit: limit.trim().parse().context("/proc/sys/fs/mount-max")?,
            held: 0,
            made: 0,
            most: None,
        })
    }

    /// What there is before anything is taken.
    ///
    /// # Errors
    ///
    /// /proc cannot be read.
    pub fn headroom(&self) -> anyhow::Result<Headroom> {
        let mounts = fs::read("/proc/self/mountinfo").context("/proc/self/mountinfo")?;
        let used = mountinfo::count(&mounts);
        Ok(Headroom::exact(self.limit, self.limit.saturating_sub(used)))
    }

    fn directory(&self, number: u64) -> PathBuf {
        self.place.join((number % DIRECTORIES).to_string())
    }
}

impl Consumer for Mounts {
    fn take(&mut self, count: u64) -> anyhow::Result<TakeResult> {
        for done in 0..count {
            let directory = self.directory(self.held);
            if self.made == self.held.min(DIRECTORIES - 1) {
                fs::create_dir(&directory).with_context(|| directory.display().to_string())?;
                self.made += 1;
            }
            match mount_bind(&self.source, &directory) {
                Ok(()) => self.held += 1,
                Err(Errno::NOSPC) => {
                    self.most = Some(self.held);
                    return Ok(TakeResult {
                        count: done,
                        refusal: Some(Errno::NOSPC),
                    });
                }
                Err(errno) => return Err(errno).with_context(|| directory.display().to_string()),
            }
        }
        Ok(TakeResult {
            count,
            refusal: None,
        })
    }

    fn give_back(&mut self, count: u64) -> anyhow::Result<()> {
        for _ in 0..count.min(self.held) {
            let directory = self.directory(self.held - 1);
            unmount(&directory, UnmountFlags::DETACH)
                .with_context(|| directory.display().to_string())?;
            self.held -= 1;
        }
        Ok(())
    }

    fn held(&self) -> u64 {
        self.held
    }

    /// The kernel counts mounts that no file shows, so only its refusal tells.
    fn left(&mut self) -> Option<u64> {
        Some(self.most?.saturating_sub(self.held))
    }

    /// The namespace, and all in it, goes with the process; a command that is left in it shall not keep them.
    fn release(&mut self) -> anyhow::Result<()> {
        self.held = 0;
        unmount(&self.place, UnmountFlags::DETACH).with_context(|| self.place.display().to_string())
    }
}
