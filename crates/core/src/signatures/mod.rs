//! What log lines mean: one table of signatures, each of them data.
//!
//! A signature is a pattern and what it means. The built-in ones are in `builtin.toml`; users add
//! their own in a file of the same format. Adding one is adding an entry: its example line is a
//! test, its `not` lines are tests too.

mod pattern;
mod signature;
mod table;

pub use pattern::Pattern;
pub use signature::{Confidence, Signature};
pub use table::{Table, TableError};
