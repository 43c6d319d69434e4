use std::convert::Infallible;
use std::io;
use std::time::Duration;

use super::event::Event;
use super::hook::Hook;
use super::options::Options;
use crate::support::Unsupported;

/// Traces calls: a stub for builds without the feature `ebpf`.
#[derive(Debug)]
pub struct Tracer(Infallible);

impl Tracer {
    /// Fails: this build has no eBPF.
    ///
    /// # Errors
    /// Always.
    pub fn start(_: Options) -> Result<Self, Unsupported> {
        Err(Unsupported::not_built_in())
    }

    /// Fails: this build has no eBPF.
    ///
    /// # Errors
    /// Always.
    pub fn on(options: Options, _: &[Hook]) -> Result<Self, Unsupported> {
        Self::start(options)
    }

    /// Cannot be called: no `Tracer` can exist in this build.
    #[must_use]
    pub fn hook(&self) -> Hook {
        match self.0 {}
    }

    /// Cannot be called: no `Tracer` can exist in this build.
    ///
    /// # Errors
    /// None.
    pub fn poll(&mut self, _: Duration, _: impl FnMut(Event)) -> io::Result<bool> {
        match self.0 {}
    }

    /// Cannot be called: no `Tracer` can exist in this build.
    pub fn detach(&mut self) {
        match self.0 {}
    }

    /// Cannot be called: no `Tracer` can exist in this build.
    #[must_use]
    pub fn lost(&self) -> u64 {
        match self.0 {}
    }
}
