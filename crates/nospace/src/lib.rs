//! nospace, as a library for its own binary, tests and tasks.

#![forbid(unsafe_code)]

pub mod ui;
