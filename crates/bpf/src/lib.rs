//! System calls that the safe libraries do not have, and eBPF: the only crate with `unsafe`, and the only one that needs
//! clang. Its API is safe, and knows nothing of the model and the rules.
//!
//! With the feature `ebpf` it reads the kernel's own counters. Without it the API is the same, and every load fails with
//! the reason.

pub mod accounting;
#[cfg(feature = "ebpf")]
mod btf;
pub mod guard;
pub mod handle;
pub mod kcmp;
pub mod loop_device;
pub mod memory;
#[cfg(feature = "ebpf")]
mod misses;
pub mod namespaces;
#[cfg(feature = "ebpf")]
mod object;
#[cfg(feature = "ebpf")]
mod output;
#[cfg(feature = "ebpf")]
mod perf;
#[cfg(feature = "ebpf")]
mod programs;
pub mod quota;
#[cfg(feature = "ebpf")]
mod records;
#[cfg(feature = "ebpf")]
mod skeleton;
pub mod support;
pub mod take;
pub mod trace;
pub mod userns;
pub mod watches;

#[cfg(feature = "ebpf")]
pub use programs::program_ids;

/// Whether `NOSPACE_WHOLE_NODE=1` declares nospace's pid, cgroup and network namespaces to be the whole node. Tests set it on a node that they make
/// of namespaces; on any other machine it would hide what was not seen.
#[must_use]
pub fn is_whole_node() -> bool {
    std::env::var_os("NOSPACE_WHOLE_NODE").is_some_and(|value| value == "1")
}

/// The answer of a system call that returns 0, or its error.
fn succeeded(done: libc::c_int) -> std::io::Result<()> {
    match done {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}
