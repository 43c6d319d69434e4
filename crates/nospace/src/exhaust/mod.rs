//! Uses up a resource on purpose: bounded, timed, always released.
//!
//! ```text
//! Scenario ─ start ─▶ Started ┐
//! Preflight ─ guard ─▶ FillLevel ─▶ session ─ take, give back ─▶ Consumer ─▶ kernel
//! ```
//!
//! A [`Consumer`] is one resource, and [`session`] knows none of them. [`scenarios`] is the table of them, a file each.

mod cgroups;
mod cleanup;
mod consumer;
mod descriptors;
mod disk_quota;
mod document;
pub mod guard;
mod inode;
pub mod inotify;
mod mounts;
mod namespaces;
mod netlink;
mod one_by_one;
mod place;
pub mod preflight;
pub mod remote;
mod request;
mod scenario;
pub mod scenarios;
pub mod session;
pub mod supervisor;
mod tmpfs;
mod user;

pub use cgroups::Cgroups;
pub use cleanup::{CleanupProcess, run_cleanup};
pub use consumer::{Consumer, Overhead, TakeResult};
pub use disk_quota::DiskQuota;
pub use document::{EndReason, ExhaustSummary, SCHEMA_VERSION, Target};
pub use mounts::Mounts;
pub use one_by_one::OneByOne;
pub use remote::Remote;
pub use request::{FillLevel, Headroom, Rate, Request};
pub use scenario::{LimitOption, Options, Scenario, Settings, Start, Started, Unit};
pub use tmpfs::{Tmpfs, TmpfsResource};
pub use user::EffectiveUser;
