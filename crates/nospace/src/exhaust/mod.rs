//! Uses a resource up on purpose: bounded, timed, always released.
//!
//! ```text
//! Survey ─ guard ─▶ Goal ─▶ session ─ take, give back ─▶ Hold ─▶ kernel
//! ```
//!
//! A [`Hold`] is one resource, and [`session`] knows none of them.

mod aim;
mod document;
pub mod guard;
mod hold;
pub mod inotify;
pub mod session;
pub mod survey;

pub use aim::{Aim, Goal, Rate, Room};
pub use document::{Ended, ExhaustSummary, SCHEMA_VERSION, Target};
pub use hold::{Hold, Taken};
