//! Whether eBPF works here: [`Environment`] probes the kernel and the process, [`assess`] decides, as a pure function.

mod coverage;
mod environment;
mod unsupported;

pub use coverage::{Coverage, assess};
pub use environment::{Btf, Capabilities, Environment, Lockdown};
pub use unsupported::Unsupported;
