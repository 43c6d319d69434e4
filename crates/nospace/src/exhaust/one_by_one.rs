use anyhow::Context as _;
use rustix::io::Errno;

use super::consumer::{Consumer, TakeResult};
use super::descriptors;

/// Things that are taken one at a time, and given back when they are dropped.
pub struct OneByOne<T> {
    /// The call, for errors.
    call: &'static str,
    /// Its error where no more are left.
    refusal: Errno,
    one: Box<dyn FnMut() -> Result<T, Errno>>,
    held: Vec<T>,
    /// Held when the kernel refused one more.
    most: Option<u64>,
}

impl<T> OneByOne<T> {
    /// None yet; `one` takes one more by `call`, which fails with `refusal` when no more are left.
    pub fn new(
        call: &'static str,
        refusal: Errno,
        one: impl FnMut() -> Result<T, Errno> + 'static,
    ) -> Self {
        Self {
            call,
            refusal,
            one: Box::new(one),
            held: Vec::new(),
            most: None,
        }
    }

    /// With memory for this many, so that none is needed later.
    #[must_use]
    pub fn with_capacity(mut self, capacity: usize) -> Self {
        self.held.reserve_exact(capacity);
        self
    }
}

impl<T> Consumer for OneByOne<T> {
    fn take(&mut self, count: u64) -> anyhow::Result<TakeResult> {
        for done in 0..count {
            match (self.one)() {
                Ok(one) => self.held.push(one),
                Err(Errno::MFILE) if !descriptors::are_left() => {
                    return Err(descriptors::too_few());
                }
                Err(errno) if errno == self.refusal => {
                    self.most = Some(self.held());
                    return Ok(TakeResult {
                        count: done,
                        refusal: Some(errno),
                    });
                }
                Err(errno) => return Err(errno).context(self.call),
            }
        }
        Ok(TakeResult {
            count,
            refusal: None,
        })
    }

    fn give_back(&mut self, count: u64) -> anyhow::Result<()> {
        let keep = self.held().saturating_sub(count);
        self.held.truncate(usize::try_from(keep)?);
        Ok(())
    }

    fn held(&self) -> u64 {
        self.held.len() as u64
    }

    /// Only the kernel's refusal tells.
    fn left(&mut self) -> Option<u64> {
        Some(self.most?.saturating_sub(self.held()))
    }

    fn release(&mut self) -> anyhow::Result<()> {
        self.held.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_until_refused_and_leaves_what_was_asked() {
        let mut left = 10_u32;
        let mut all = OneByOne::new("take", Errno::NOSPC, move || {
            left = left.checked_sub(1).ok_or(Errno::NOSPC)?;
            Ok(left)
        });
        assert_eq!(all.left(), None);
        let taken = all.take(u64::MAX).unwrap();
        assert_eq!((taken.count, taken.refusal), (10, Some(Errno::NOSPC)));
        all.give_back(3).unwrap();
        assert_eq!((all.held(), all.left()), (7, Some(3)));
        let mut broken = OneByOne::<()>::new("take", Errno::NOSPC, || Err(Errno::PERM));
        assert!(broken.take(1).unwrap_err().to_string().contains("take"));
    }
}
