//! `nospace trace`: inotify calls and calls that hit a limit, live, each with caller, owner, count and limit.
//!
//! ```text
//! kernel ─ ring ─▶ Reader ─ queue ─▶ Filter ─▶ owner (pid → cgroup → names) ─▶ TracedCall ─▶ a line, and the summary counts
//! ```

mod any_call;
mod cause;
mod clock;
mod counts;
mod document;
pub(crate) mod errno;
mod file_system;
mod filter;
mod flags;
mod guards;
mod owners;
mod reader;
mod session;
mod verdict;

#[cfg(feature = "agent")]
pub(crate) use cause::{depends_on_place, verdict};
pub use clock::Clock;
pub use counts::SummaryCounts;
pub use nospace_bpf::trace::Counted;

pub use document::{CallCount, SummaryRow, TraceLine, TraceSummary, TracedCall};
pub use filter::Filter;
#[cfg(feature = "agent")]
pub(crate) use guards::GuardCache;
#[cfg(feature = "agent")]
pub(crate) use owners::OwnerCache;
pub use session::{Sink, TraceOptions, follow};
#[cfg(feature = "agent")]
pub(crate) use verdict::Verdict;
