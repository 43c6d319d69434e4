//! Uses a resource up on purpose: bounded, timed, always released.
//!
//! ```text
//! Survey ─ guard ─▶ Goal ─▶ session ─ take, give back ─▶ Hold ─▶ kernel
//! ```
//!
//! A [`Hold`] is one resource, and [`session`] knows none of them.

mod aim;
mod cgroups;
mod document;
pub mod guard;
mod hold;
pub mod inotify;
mod mounts;
mod reaper;
pub mod session;
pub mod survey;
mod tmpfs;

pub use aim::{Aim, Goal, Rate, Room};
pub use cgroups::Cgroups;
pub use document::{Ended, ExhaustSummary, SCHEMA_VERSION, Target};
pub use hold::{Hold, Taken};
pub use mounts::Mounts;
pub use reaper::{Reaper, reap};
pub use tmpfs::{Fill, Tmpfs};

/// What is made carries this name, a dot, and the pid of who made it.
pub const NAME: &str = "nospace-exhaust";
