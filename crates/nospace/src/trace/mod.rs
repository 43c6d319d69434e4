//! Live: inotify calls and misleading refusals, each with its caller, owner, count and limit.
//!
//! ```text
//! kernel ─ ring ─▶ Reader ─ queue ─▶ Filter ─▶ owner (pid → cgroup → names) ─▶ TracedCall ─▶ a line, and the tally
//! ```

mod cause;
mod clock;
mod document;
pub(crate) mod errno;
mod filter;
mod owners;
mod reader;
mod session;
mod tally;
mod words;

#[cfg(feature = "agent")]
pub(crate) use cause::{candidates, depends_on_place};
pub use clock::Clock;
pub use document::{CallCount, Counted, SummaryRow, TraceLine, TraceSummary, TracedCall};
pub use filter::Filter;
#[cfg(feature = "agent")]
pub(crate) use owners::Owners;
pub use session::{Plan, Sink, follow};
pub use tally::Tally;
