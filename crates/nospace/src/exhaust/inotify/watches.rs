use std::ffi::CString;
use std::os::fd::{AsRawFd as _, OwnedFd};

use anyhow::{Context as _, anyhow, bail};
use rustix::fs::inotify::{WatchFlags, add_watch, remove_watch};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::Errno;

use super::split::split;
use super::{Ledger, User, close, descriptors, open};
use crate::exhaust::{Hold, Taken};

/// Where descriptors have paths.
const DESCRIPTORS: &str = "/proc/self/fd";
/// What the files are called, where somebody looks at what is watched.
const NAME: &str = "nospace-exhaust";

/// Watches: few files, each watched in every one of many instances.
///
/// The files are in memory and have never had a name: they need no file system, and are gone with their last
/// descriptor. That would take their watches away, so the descriptors are kept.
pub struct Watches<'h> {
    ledger: Ledger<'h>,
    instances: Vec<OwnedFd>,
    files: Vec<(OwnedFd, CString)>,
    /// Watch descriptors, in the order of taking: each file in every instance before the next file.
    watches: Vec<i32>,
}

impl<'h> Watches<'h> {
    /// None yet; at most `most` will be asked for. Changes the working directory.
    ///
    /// # Errors
    ///
    /// Without an instance or enough descriptors.
    pub fn new(
        user: User,
        ledger: Ledger<'h>,
        most: u64,
        instances_free: u64,
    ) -> anyhow::Result<Self> {
        let room = descriptors::make_room(most.div_ceil(64).max(4096) + 128);
        let wanted = split(most, instances_free, room).map_err(|needed| {
            anyhow!("{needed} descriptors are needed, and this process may have {room}: raise that (ulimit -n), or run it as root")
        })?;
        let mut instances = Vec::new();
        let refused = open(&user, wanted, &mut instances)?;
        if refused.is_some() {
            // Others shall still meet the limit of watches, not that of instances.
            instances.truncate(instances.len().div_ceil(2));
        }
        if instances.is_empty() {
            bail!(
                "uid {} has no inotify instance left, and a watch needs one: its instances are what is used up",
                user.uid()
            );
        }
        std::env::set_current_dir(DESCRIPTORS)
            .with_context(|| format!("cannot go to {DESCRIPTORS}"))?;
        Ok(Self {
            ledger,
            instances,
            files: Vec::new(),
            watches: Vec::new(),
        })
    }

    fn add(&mut self) -> anyhow::Result<Result<(), Errno>> {
        let count = self.instances.len();
        let (file, instance) = (self.watches.len() / count, self.watches.len() % count);
        if file == self.files.len() {
            self.files.push(anonymous()?);
        }
        // Of an event that never comes.
        match add_watch(
            &self.instances[instance],
            &*self.files[file].1,
            WatchFlags::DELETE_SELF,
        ) {
            Ok(watch) => {
                self.watches.push(watch);
                Ok(Ok(()))
            }
            Err(Errno::NOSPC) => Ok(Err(Errno::NOSPC)),
            Err(errno) => Err(errno).context("inotify_add_watch"),
        }
    }
}

/// A file in memory, and its name in [`DESCRIPTORS`].
fn anonymous() -> anyhow::Result<(OwnedFd, CString)> {
    let flags = MemfdFlags::CLOEXEC;
    let file = match memfd_create(NAME, flags | MemfdFlags::NOEXEC_SEAL) {
        // Linux before 6.3.
        Err(Errno::INVAL) => memfd_create(NAME, flags),
        done => done,
    };
    let file = match file {
        Err(Errno::MFILE) => return Err(descriptors::too_few()),
        done => done.context("memfd_create")?,
    };
    let name = CString::new(file.as_raw_fd().to_string())?;
    Ok((file, name))
}

impl Hold for Watches<'_> {
    fn take(&mut self, count: u64) -> anyhow::Result<Taken> {
        for done in 0..count {
            if let Err(errno) = self.add()? {
                return Ok(Taken {
                    count: done,
                    refusal: Some(errno),
                });
            }
        }
        Ok(Taken {
            count,
            refusal: None,
        })
    }

    fn give_back(&mut self, count: u64) -> anyhow::Result<()> {
        for _ in 0..count {
            let Some(watch) = self.watches.pop() else {
                break;
            };
            let instance = self.watches.len() % self.instances.len();
            remove_watch(&self.instances[instance], watch).context("inotify_rm_watch")?;
        }
        let files = self.watches.len().div_ceil(self.instances.len());
        self.files.truncate(files);
        Ok(())
    }

    fn held(&self) -> u64 {
        self.watches.len() as u64
    }

    fn left(&mut self) -> Option<u64> {
        self.ledger.watches_left()
    }

    fn cost(&self) -> (u64, u64) {
        (self.files.len() as u64, self.instances.len() as u64)
    }

    fn release(&mut self) -> anyhow::Result<()> {
        close(&mut self.instances);
        self.files.clear();
        self.watches.clear();
        Ok(())
    }
}
