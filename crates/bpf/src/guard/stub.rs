use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::path::Path;

use super::hook::Hook;
use super::model::{AtLine, Both, Counts, Doubt, Mode, Policy, SelfTest};
use super::probe::{Hooks, Probe};
use crate::accounting::AccountingReader;
use crate::support::Unsupported;

/// Fails: this build has no eBPF.
///
/// # Errors
/// Always.
pub fn probe(_: &Path) -> Result<Probe, Unsupported> {
    Err(Unsupported::not_built_in())
}

/// Refuses calls of pods that would cut into root's reserve: a stub for builds without the feature `ebpf`.
#[derive(Debug)]
pub struct Guard(Infallible);

impl Guard {
    /// Fails: this build has no eBPF.
    ///
    /// # Errors
    /// Always.
    pub fn start(_: Hooks, _: &mut AccountingReader) -> Result<Self, Unsupported> {
        Err(Unsupported::not_built_in())
    }

    /// Cannot be called: no `Guard` can exist in this build.
    #[must_use]
    pub fn hooks(&self) -> Hooks {
        match self.0 {}
    }

    /// Cannot be called: no `Guard` can exist in this build.
    pub fn set_mode(&mut self, _: Mode) {
        match self.0 {}
    }

    /// Cannot be called: no `Guard` can exist in this build.
    pub fn set_reserve(&mut self, _: Both<u64>) {
        match self.0 {}
    }

    /// Cannot be called: no `Guard` can exist in this build.
    pub fn publish_exempt(&mut self, _: &[String]) {
        match self.0 {}
    }

    /// Cannot be called: no `Guard` can exist in this build.
    pub fn use_cgroup_v1(&mut self, _: bool) {
        match self.0 {}
    }

    /// Cannot be called: no `Guard` can exist in this build.
    ///
    /// # Errors
    /// None.
    pub fn set_policies(&mut self, _: &BTreeMap<u64, Policy>) -> io::Result<()> {
        match self.0 {}
    }

    /// Cannot be called: no `Guard` can exist in this build.
    ///
    /// # Errors
    /// None.
    pub fn reported(&mut self, _: impl FnMut(AtLine)) -> io::Result<()> {
        match self.0 {}
    }

    /// Cannot be called: no `Guard` can exist in this build.
    #[must_use]
    pub fn counts(&self) -> Counts {
        match self.0 {}
    }

    /// Cannot be called: no `Guard` can exist in this build.
    #[must_use]
    pub fn counts_by_pod(&self) -> BTreeMap<u64, Counts> {
        match self.0 {}
    }

    /// Cannot be called: no `Guard` can exist in this build.
    #[must_use]
    pub fn skipped(&self) -> Vec<(Hook, Option<u64>)> {
        match self.0 {}
    }

    /// Cannot be called: no `Guard` can exist in this build.
    ///
    /// # Errors
    /// None.
    pub fn self_test(&mut self, _: &mut AccountingReader) -> Result<SelfTest, Doubt> {
        match self.0 {}
    }
}
