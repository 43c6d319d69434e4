//! The last hours of a node in bounded memory: what the agent keeps of its collections.
//!
//! ```text
//! Report ─ Sample::of ─▶ Sample ─ add ─▶ Recent (slots, tracks) ─ document(Query) ─▶ HistoryDocument
//!                        SlotRecord ─ put ─▶ Recent ─ records ─▶ SlotRecord (the state directory's file)
//! ```
//!
//! Times are milliseconds of a clock that nobody sets; who has the time of day turns them into it.

mod document;
mod recent;
mod record;
mod sample;
mod track;

#[cfg(test)]
mod tests;

pub use document::{BudgetSeries, Gap, GapReason, HistoryDocument, Moment, Query, WorkloadSeries};
pub use recent::{Recent, SLOTS};
pub use record::{SlotRecord, TrackName};
pub use sample::{BudgetKey, Reading, Sample};
pub use track::{MAX_BUDGETS, MAX_WORKLOADS};
