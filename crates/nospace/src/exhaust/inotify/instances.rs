use std::os::fd::OwnedFd;

use rustix::io::Errno;

use super::{Ledger, User, close, descriptors, open};
use crate::exhaust::{Hold, Taken};

/// Instances without watches.
pub struct Instances<'h> {
    user: User,
    ledger: Ledger<'h>,
    instances: Vec<OwnedFd>,
}

impl<'h> Instances<'h> {
    /// None yet; at most `most` will be asked for.
    #[must_use]
    pub fn new(user: User, ledger: Ledger<'h>, most: u64) -> Self {
        descriptors::make_room(most);
        Self {
            user,
            ledger,
            instances: Vec::new(),
        }
    }
}

impl Hold for Instances<'_> {
    fn take(&mut self, count: u64) -> anyhow::Result<Taken> {
        let before = self.held();
        let refusal: Option<Errno> = open(&self.user, count, &mut self.instances)?;
        Ok(Taken {
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
        self.ledger.instances_left()
    }

    fn cost(&self) -> (u64, u64) {
        (0, self.held())
    }

    fn release(&mut self) -> anyhow::Result<()> {
        close(&mut self.instances);
        Ok(())
    }
}
