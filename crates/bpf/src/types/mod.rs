//! The kernel's types, cut down to those that the programs name.
//!
//! libbpf looks each type up among all of the kernel's, one after the other: some hundred thousand, fifty times. That
//! took two thirds of the time of a look. Here one pass finds them all, and libbpf is given a table of a few hundred.
//! Whatever is odd on the way, libbpf does it the long way.

mod btf;
mod cut;
mod functions;
mod iterator;
mod kernel;

pub use functions::{aim, functions};
pub use iterator::claim;
pub use kernel::Kernel;

use cut::Cut;

/// Names of the types that the programs read, one a line; made by build.rs from the programs themselves.
const NAMES: &str = include_str!(concat!(env!("OUT_DIR"), "/types.txt"));
