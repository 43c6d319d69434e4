//! System calls that the safe libraries do not have, and eBPF: the only crate with `unsafe`, and the only one that needs
//! clang. Its API is safe, and knows nothing of the model and the rules.
//!
//! With the feature `ebpf` it reads the kernel's own counters. Without it the API is the same, and every load fails with
//! the reason.

pub mod accounting;
#[cfg(feature = "ebpf")]
mod btf;
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
pub mod trace;
pub mod userns;
pub mod watches;

#[cfg(feature = "ebpf")]
pub use programs::program_ids;
