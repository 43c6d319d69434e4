//! Whether this kernel lets this process read its books: facts are probed, then a pure function decides.

mod decide;
mod facts;

pub use decide::{Coverage, decide};
pub use facts::{Btf, Capabilities, Facts, Lockdown};

/// Why something that needs eBPF cannot be had here, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}; {remedy}")]
pub struct Unsupported {
    /// What is missing, in words.
    pub reason: String,
    /// What would make it work, in words.
    pub remedy: String,
}

impl Unsupported {
    /// This build has no eBPF in it.
    #[must_use]
    pub fn not_built_in() -> Self {
        Self::new(
            "this nospace was built without eBPF",
            "use a build with the cargo feature \"ebpf\"",
        )
    }

    pub(crate) fn new(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            remedy: remedy.into(),
        }
    }
}
