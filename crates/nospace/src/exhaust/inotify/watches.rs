use std::os::fd::OwnedFd;

use anyhow::{Context as _, anyhow, bail};
use rustix::fs::inotify::{WatchFlags, add_watch, remove_watch};
use rustix::io::Errno;

use super::place::{Place, Places};
use super::split::split;
use super::{Ledger, User, close, descriptors, open};
use crate::exhaust::{Hold, Taken};

/// Watches: few inodes, each watched in every one of many instances.
pub struct Watches<'h> {
    ledger: Ledger<'h>,
    instances: Vec<OwnedFd>,
    places: Places,
    files: Vec<Place>,
    /// Which of them is the working directory.
    entered: Option<usize>,
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
        Ok(Self {
            ledger,
            instances,
            places: Places::new(),
            files: Vec::new(),
            entered: None,
            watches: Vec::new(),
        })
    }

    fn add(&mut self) -> anyhow::Result<Result<(), Errno>> {
        let count = self.instances.len();
        let (file, instance) = (self.watches.len() / count, self.watches.len() % count);
        if file == self.files.len() {
            self.files.push(self.places.make()?);
        }
        let place = &self.files[file];
        if self.entered != Some(file) {
            place.enter()?;
            self.entered = Some(file);
        }
        // Of an event that never comes.
        match add_watch(
            &self.instances[instance],
            place.path(),
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
        self.entered = None;
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
