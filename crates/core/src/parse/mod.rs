//! Bytes into the model. Parsers never open files.

pub mod bundle;
pub mod cgroup_path;
pub mod cmdline;
mod config;
pub mod pod_logs;

use thiserror::Error;

/// Input that is not what the kernel or the program that wrote it would write.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{what}: {why}")]
pub struct Malformed {
    /// What was read, `file-nr`.
    pub what: &'static str,
    /// What is wrong with it.
    pub why: String,
}

impl Malformed {
    /// `what` is wrong, and `why`.
    #[must_use]
    pub fn new(what: &'static str, why: impl Into<String>) -> Self {
        Self {
            what,
            why: why.into(),
        }
    }
}
