use std::convert::Infallible;
use std::io;
use std::time::Duration;

use super::{Event, Hook, Options};
use crate::support::{Facts, Unsupported, decide};

/// Traces calls; never there in a build without the feature `ebpf`.
#[derive(Debug)]
pub struct Tracer(Infallible);

impl Tracer {
    /// Says that this build cannot.
    ///
    /// # Errors
    /// Always.
    pub fn start(_: Options) -> Result<Self, Unsupported> {
        Err(decide(&Facts::probe())
            .err()
            .unwrap_or_else(Unsupported::not_built_in))
    }

    /// Says that this build cannot.
    ///
    /// # Errors
    /// Always.
    pub fn on(options: Options, _: &[Hook]) -> Result<Self, Unsupported> {
        Self::start(options)
    }

    /// Cannot be called: there is no `Tracer`.
    #[must_use]
    pub fn hook(&self) -> Hook {
        match self.0 {}
    }

    /// Cannot be called: there is no `Tracer`.
    ///
    /// # Errors
    /// None.
    pub fn poll(&mut self, _: Duration, _: impl FnMut(Event)) -> io::Result<bool> {
        match self.0 {}
    }

    /// Cannot be called: there is no `Tracer`.
    pub fn detach(&mut self) {
        match self.0 {}
    }

    /// Cannot be called: there is no `Tracer`.
    #[must_use]
    pub fn lost(&self) -> u64 {
        match self.0 {}
    }
}
