//! What nospace knows, without touching the machine.
//!
//! ```text
//! Snapshot ─ attribute → owners ─ diagnose → Report
//! ```
//!
//! [`model`] is what was read, [`parse`] turns bytes into it, [`attribute`] finds the owners,
//! [`diagnose`] says what is wrong, [`report`] is the answer. Nothing here opens a file, asks
//! the time or spawns anything: clippy.toml at the root holds that.

#![forbid(unsafe_code)]

pub mod amount;
pub mod attribute;
pub mod cause;
mod conclude;
pub mod diagnose;
pub mod diff;
mod documents;
pub mod evidence;
pub mod explain;
pub mod fleet;
pub mod growth;
pub mod history;
pub mod howto;
pub mod inference;
pub mod leaks;
pub mod limits;
pub mod managers;
pub mod matter;
pub mod metrics;
pub mod model;
pub mod normalise;
pub mod parse;
pub mod plan;
pub mod platforms;
pub mod report;
pub mod runtimes;
pub mod select;
pub mod shell;
pub mod signatures;
#[cfg(test)]
mod testing;
pub mod tune;
pub mod watches;
pub mod workload;

pub use conclude::{conclude, conclude_with, view};
pub use shell::quote;

#[cfg(test)]
mod conclude_tests;
