//! Uses up a resource on purpose: bounded, timed, always released.
//!
//! ```text
//! Preflight ─ guard ─▶ FillLevel ─▶ session ─ take, give back ─▶ Consumer ─▶ kernel
//! ```
//!
//! A [`Consumer`] is one resource, and [`session`] knows none of them.

mod cgroups;
mod cleanup;
mod consumer;
mod document;
pub mod guard;
pub mod inotify;
mod mounts;
pub mod preflight;
mod request;
pub mod session;
pub mod supervisor;
mod tmpfs;

pub use cgroups::Cgroups;
pub use cleanup::{CleanupProcess, run_cleanup};
pub use consumer::{Consumer, Overhead, TakeResult};
pub use document::{EndReason, ExhaustSummary, SCHEMA_VERSION, Target};
pub use mounts::Mounts;
pub use request::{FillLevel, Headroom, Rate, Request};
pub use tmpfs::{Tmpfs, TmpfsResource};
