//! Live: calls that use inotify, and refusals of other calls whose errno misleads, with count and limit at that moment.

#[cfg(feature = "ebpf")]
mod attached;
mod event;
#[cfg(feature = "ebpf")]
mod functions;
mod hook;
#[cfg(feature = "ebpf")]
mod loaded;
#[cfg(feature = "ebpf")]
mod missed;
#[cfg(feature = "ebpf")]
mod numbers;
#[cfg(feature = "ebpf")]
mod tracefs;
#[cfg(not(feature = "ebpf"))]
mod without;

pub use event::{Call, Count, Event, Refusal};
pub use hook::Hook;
#[cfg(feature = "ebpf")]
pub use loaded::Tracer;
#[cfg(not(feature = "ebpf"))]
pub use without::Tracer;

/// What to trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Only inotify calls that failed. Other calls are told only when they fail, always.
    pub failed_only: bool,
    /// Only calls of this process, as the initial pid namespace numbers it.
    pub pid: Option<u32>,
    /// Only calls of this real uid.
    pub uid: Option<u32>,
    /// For a program that stays: calls are told a tenth of a second late, and between kernel and us, where it is part of our
    /// resident memory, there is room for some thousand of them, not some ten thousand.
    pub frugal: bool,
}
