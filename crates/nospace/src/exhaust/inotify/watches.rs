use std::os::fd::OwnedFd;

use anyhow::{Context as _, anyhow, bail};
use nospace_core::model::InotifyResource;
use rustix::fs::inotify::{WatchFlags, add_watch, remove_watch};
use rustix::io::Errno;

use super::accounting::InotifyAccounting;
use super::pool::{close, open};
use super::split::split;
use crate::exhaust::consumer::{Consumer, Overhead, TakeResult};
use crate::exhaust::descriptors;
use crate::exhaust::inode::{InodeSource, WatchInode};
use crate::exhaust::user::EffectiveUser;

/// Watches: few inodes, each watched in every one of many instances.
pub struct Watches<'h> {
    accounting: InotifyAccounting<'h>,
    instances: Vec<OwnedFd>,
    inodes: InodeSource,
    inodes_held: Vec<WatchInode>,
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
        user: EffectiveUser,
        accounting: InotifyAccounting<'h>,
        most: u64,
        instances_free: u64,
    ) -> anyhow::Result<Self> {
        let descriptors = descriptors::raise_limit(most.div_ceil(64).max(4096) + 128);
        let wanted = split(most, instances_free, descriptors).map_err(|needed| {
            anyhow!("this needs {needed} open files, but the limit is {descriptors}: raise it (ulimit -n) or run as root")
        })?;
        let mut instances = Vec::new();
        let refused = open(&user, wanted, &mut instances)?;
        if refused.is_some() {
            // Others shall still meet the limit of watches, not that of instances.
            instances.truncate(instances.len().div_ceil(2));
        }
        if instances.is_empty() {
            bail!(
                "uid {} has no inotify instances left, and each watch belongs to one: free an instance first",
                user.uid()
            );
        }
        Ok(Self {
            accounting,
            instances,
            inodes: InodeSource::new(),
            inodes_held: Vec::new(),
            entered: None,
            watches: Vec::new(),
        })
    }

    fn add(&mut self) -> anyhow::Result<Result<(), Errno>> {
        let count = self.instances.len();
        let (file, instance) = (self.watches.len() / count, self.watches.len() % count);
        if file == self.inodes_held.len() {
            self.inodes_held.push(self.inodes.make()?);
        }
        let inode = &self.inodes_held[file];
        if self.entered != Some(file) {
            inode.enter()?;
            self.entered = Some(file);
        }
        // Of an event that never comes.
        match add_watch(
            &self.instances[instance],
            inode.path(),
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

impl Consumer for Watches<'_> {
    fn take(&mut self, count: u64) -> anyhow::Result<TakeResult> {
        for done in 0..count {
            if let Err(errno) = self.add()? {
                return Ok(TakeResult {
                    count: done,
                    refusal: Some(errno),
                });
            }
        }
        Ok(TakeResult {
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
        let inodes_held = self.watches.len().div_ceil(self.instances.len());
        self.inodes_held.truncate(inodes_held);
        self.entered = None;
        Ok(())
    }

    fn held(&self) -> u64 {
        self.watches.len() as u64
    }

    fn left(&mut self) -> Option<u64> {
        self.accounting.left(InotifyResource::Watches)
    }

    fn overhead(&self) -> Overhead {
        Overhead {
            inodes: self.inodes_held.len() as u64,
            instances: self.instances.len() as u64,
        }
    }

    fn release(&mut self) -> anyhow::Result<()> {
        close(&mut self.instances);
        self.inodes_held.clear();
        self.watches.clear();
        Ok(())
    }
}
