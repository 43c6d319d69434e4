use std::convert::Infallible;
use std::io;

use crate::support::{Coverage, Facts, Unsupported, decide};
use crate::tally::Tally;

/// Reads the kernel's books; never there in a build without the feature `ebpf`.
#[derive(Debug)]
pub struct Accountant(Infallible);

impl Accountant {
    /// Says that this build cannot.
    ///
    /// # Errors
    /// Always.
    pub fn load() -> Result<Self, Unsupported> {
        Err(decide(&Facts::probe())
            .err()
            .unwrap_or_else(Unsupported::not_built_in))
    }

    /// Cannot be called: there is no `Accountant`.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        match self.0 {}
    }

    /// Cannot be called: there is no `Accountant`.
    ///
    /// # Errors
    /// None.
    pub fn account(&mut self) -> io::Result<Tally> {
        match self.0 {}
    }
}
