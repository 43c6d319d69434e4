//! The guard: refuses pods the last inotify watches and instances of root, so that the node keeps a reserve.
//!
//! [`probe`] finds out by a self-test which [`Hook`]s of this kernel refuse; [`Probe::choose`] which of them hold a reserve; a
//! [`Guard`] attaches to them, for as long as it lives. By itself it refuses nobody: that takes a mode, a reserve, and
//! policies for cgroups.

#[cfg(feature = "ebpf")]
mod attachment;
#[cfg(feature = "ebpf")]
mod canary;
#[cfg(feature = "ebpf")]
mod comparison;
#[cfg(feature = "ebpf")]
mod guarding;
mod hook;
mod model;
mod preemption;
mod probe;
#[cfg(feature = "ebpf")]
pub(crate) mod published;
#[cfg(feature = "ebpf")]
mod record;
#[cfg(not(feature = "ebpf"))]
mod stub;
#[cfg(feature = "ebpf")]
mod trial;

#[cfg(feature = "ebpf")]
pub use guarding::Guard;
pub use hook::Hook;
pub use model::{
    AtLine, Both, Counts, Doubt, ExemptList, FoundGuard, Mode, Policy, Resource, RunningGuard,
    SELF_TEST_THREAD, SelfTest,
};
pub use preemption::{Preemption, preemption};
pub use probe::{Choice, Hooks, Outcome, Probe, Trial};
#[cfg(not(feature = "ebpf"))]
pub use stub::{Guard, probe};
#[cfg(feature = "ebpf")]
pub use trial::probe;
