//! What is printed of hand-made reports.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod cli;
mod human;
mod json;
mod samples;
mod select;
mod top;
mod trace;
mod tune;
