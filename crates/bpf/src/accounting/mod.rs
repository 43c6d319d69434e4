//! Exact accounting: the counters that the kernel itself compares with the limits.

#[cfg(feature = "ebpf")]
mod decode;
mod model;
#[cfg(feature = "ebpf")]
mod reader;
#[cfg(not(feature = "ebpf"))]
mod stub;

pub use model::{
    Accounting, Counter, FanotifyUser, Features, Holder, Instance, Namespaces, Near, NearLimit,
    Process, UserCounters, UserKey,
};
#[cfg(feature = "ebpf")]
pub use reader::AccountingReader;
#[cfg(not(feature = "ebpf"))]
pub use stub::AccountingReader;
