//! Where nospace speaks to the kernel in ways that safe libraries do not: the only crate with
//! `unsafe`, and the only one that needs clang. Its face is safe, and knows nothing of the model or
//! of what the numbers mean.
//!
//! With the feature `ebpf` it reads the kernel's own counters; without it the same face is there
//! and says why it cannot.

pub mod accounting;
pub mod handle;
pub mod kcmp;
pub mod mounts;
#[cfg(feature = "ebpf")]
mod object;
#[cfg(feature = "ebpf")]
mod perf;
#[cfg(feature = "ebpf")]
mod programs;
#[cfg(feature = "ebpf")]
mod records;
#[cfg(feature = "ebpf")]
mod skeleton;
pub mod support;
pub mod tally;
pub mod trace;
#[cfg(feature = "ebpf")]
mod types;
pub mod userns;
pub mod watches;

#[cfg(feature = "ebpf")]
pub use programs::program_ids;
