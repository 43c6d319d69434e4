use std::convert::Infallible;
use std::io;

use super::model::Accounting;
use crate::support::{Coverage, Unsupported};

/// Reads the kernel's own inotify accounting: a stub for builds without the feature `ebpf`.
#[derive(Debug)]
pub struct AccountingReader(Infallible);

impl AccountingReader {
    /// Fails: this build has no eBPF.
    ///
    /// # Errors
    /// Always.
    pub fn load() -> Result<Self, Unsupported> {
        Err(Unsupported::not_built_in())
    }

    /// Cannot be called: no `AccountingReader` can exist in this build.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        match self.0 {}
    }

    /// Cannot be called: no `AccountingReader` can exist in this build.
    pub fn set_max_mappings(&mut self, _: Option<u32>) {
        match self.0 {}
    }

    /// Cannot be called: no `AccountingReader` can exist in this build.
    ///
    /// # Errors
    /// None.
    pub fn read(&mut self) -> io::Result<Accounting> {
        match self.0 {}
    }
}
