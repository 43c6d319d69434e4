//! What is printed of hand-made reports.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod cli;
mod human;
mod json;
mod samples;
mod select;
mod trace;
mod tune;
