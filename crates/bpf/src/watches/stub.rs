use std::convert::Infallible;
use std::io;

use super::model::Listed;
use crate::accounting::Holder;
use crate::support::Unsupported;

/// Lists watches: a stub for builds without the feature `ebpf`.
#[derive(Debug)]
pub struct Lister(Infallible);

impl Lister {
    /// Fails: this build has no eBPF.
    ///
    /// # Errors
    /// Always.
    pub fn load() -> Result<Self, Unsupported> {
        Err(Unsupported::not_built_in())
    }

    /// Cannot be called: no `Lister` can exist in this build.
    ///
    /// # Errors
    /// None.
    pub fn list(
        &mut self,
        _: impl IntoIterator<Item = (u64, Holder)>,
        _: impl FnMut(Listed),
    ) -> io::Result<()> {
        match self.0 {}
    }
}
