//! What is printed of hand-made reports.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_macros,
    reason = "tests"
)]

mod cli;
mod completion;
mod guard;
mod guard_lines;
mod human;
mod json;
mod samples;
mod select;
mod top;
mod trace;
mod tune;
