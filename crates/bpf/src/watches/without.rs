use std::convert::Infallible;
use std::io;

use super::Watch;
use crate::support::{Facts, Unsupported, decide};
use crate::tally::Holder;

/// Lists watches; never there in a build without the feature `ebpf`.
#[derive(Debug)]
pub struct Lister(Infallible);

impl Lister {
    /// Says that this build cannot.
    ///
    /// # Errors
    /// Always.
    pub fn load() -> Result<Self, Unsupported> {
        Err(decide(&Facts::probe())
            .err()
            .unwrap_or_else(Unsupported::not_built_in))
    }

    /// Cannot be called: there is no `Lister`.
    ///
    /// # Errors
    /// None.
    pub fn list(
        &mut self,
        _: impl IntoIterator<Item = (u64, Holder)>,
        _: impl FnMut(Watch),
    ) -> io::Result<()> {
        match self.0 {}
    }
}
