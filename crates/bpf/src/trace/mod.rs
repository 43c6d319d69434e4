//! Live system calls: those of inotify, and failures of others with a misleading errno, with count and limit at that moment.

#[cfg(feature = "ebpf")]
mod any_call;
#[cfg(feature = "ebpf")]
mod attachment;
mod event;
#[cfg(feature = "ebpf")]
mod functions;
mod hook;
mod options;
#[cfg(not(feature = "ebpf"))]
mod stub;
#[cfg(feature = "ebpf")]
mod syscalls;
#[cfg(feature = "ebpf")]
mod tracefs;
#[cfg(feature = "ebpf")]
mod tracer;

pub use event::{Call, Count, Counted, Event, File, Refusal, Situation};
pub use hook::Hook;
pub use options::{ANY, Options, Refused};
#[cfg(not(feature = "ebpf"))]
pub use stub::Tracer;
#[cfg(feature = "ebpf")]
pub use tracer::Tracer;
