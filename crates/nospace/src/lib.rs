//! nospace, as a library for its own binary, tests and tasks.
//!
//! ```text
//! cli → host ─ collect → Snapshot ─ (nospace-core) → Report → ui
//! ```

#![forbid(unsafe_code)]

#[cfg(feature = "agent")]
pub mod agent;
pub mod cli;
#[cfg(feature = "agent")]
pub mod cluster;
pub mod collect;
pub mod duration;
pub mod exhaust;
pub mod explain;
pub mod guard;
pub mod host;
pub mod incident;
pub mod output;
pub mod over_time;
mod parallel;
pub mod sampling;
pub mod top;
pub mod trace;
pub mod tune;
pub mod ui;
pub mod watches;
