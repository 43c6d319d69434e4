/// Why something that needs eBPF does not work here, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}; {remedy}")]
pub struct Unsupported {
    /// What is missing or refused.
    pub reason: String,
    /// What would make it work.
    pub remedy: String,
}

impl Unsupported {
    /// This build has no eBPF.
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
