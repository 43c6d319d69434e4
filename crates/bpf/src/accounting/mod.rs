//! Exact accounting: the counters that the kernel itself compares with the limits.

#[cfg(feature = "ebpf")]
mod books;
#[cfg(feature = "ebpf")]
mod loaded;
#[cfg(not(feature = "ebpf"))]
mod without;

#[cfg(feature = "ebpf")]
pub use loaded::Accountant;
#[cfg(not(feature = "ebpf"))]
pub use without::Accountant;
