use std::os::fd::OwnedFd;

use nospace_core::model::InotifyResource;
use rustix::io::Errno;

use super::accounting::InotifyAccounting;
use super::pool::{close, open};
use crate::exhaust::consumer::{Consumer, Overhead, TakeResult};
use crate::exhaust::descriptors;
use crate::exhaust::user::EffectiveUser;

/// Instances without watches.
pub struct Instances<'h> {
    user: EffectiveUser,
    accounting: InotifyAccounting<'h>,
    instances: Vec<OwnedFd>,
}

impl<'h> Instances<'h> {
    /// None yet; at most `most` will be asked for.
    #[must_use]
    pub fn new(user: EffectiveUser, accounting: InotifyAccounting<'h>, most: u64) -> Self {
        descriptors::raise_limit(most);
        Self {
            user,
            accounting,
            instances: Vec::new(),
        }
    }
}

impl Consumer for Instances<'_> {
    fn take(&mut self, count: u64) -> anyhow::Result<TakeResult> {
        let before = self.held();
        let refusal: Option<Errno> = open(&self.user, count, &mut self.instances)?;
        Ok(TakeResult {
            count: self.held() - before,
            refusal,
        })
    }

    fn give_back(&mut self, count: u64) -> anyhow::Result<()> {
        let keep = self.held().saturating_sub(count);
        self.instances.truncate(usize::try_from(keep)?);
        Ok(())
    }

    fn held(&self) -> u64 {
        self.instances.len() as u64
    }

    fn left(&mut self) -> Option<u64> {
        self.accounting.left(InotifyResource::Instances)
    }

    fn overhead(&self) -> Overhead {
        Overhead {
            inodes: 0,
            instances: self.held(),
        }
    }

    fn release(&mut self) -> anyhow::Result<()> {
        close(&mut self.instances);
        Ok(())
    }
}
