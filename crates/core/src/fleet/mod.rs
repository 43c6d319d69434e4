//! All nodes of a cluster at once.
//!
//! ```text
//! node:    Report ─ Summary::of ─▶ Summary, at most 4 kB ─▶ JSON
//! cluster: JSON ─ Summary::read ─▶ Row ─ conclude ─▶ Fleet
//! ```
//!
//! A [`Summary`] is what one node says, bounded when it is written and again when it is read: it comes from the network. A [`Row`] is one node
//! with its answer, or the reason that there is none. Right or unknown holds for a fleet, too: a node without an answer makes it unknown, unless
//! something is worse, and a sum over nodes says over how many of how many. What a node said more than 15 minutes ago, or at an unknown time, is
//! on its row with its age; no sum and no finding of several nodes rests on it.

mod bounds;
mod conclude;
mod counts;
mod findings;
mod more_pods;
mod pool;
mod row;
mod summary;

pub use bounds::{READ_BYTES, SUMMARY_BYTES, Unreadable};
pub use conclude::{Fleet, Gaps, Origin, conclude};
pub use counts::Counts;
pub use findings::{FleetFinding, FleetRule, LISTED_NODES, WorkloadCost};
pub use more_pods::MorePods;
pub use pool::{NODE_POOL_LABELS, Pool};
pub use row::{Answer, Failure, FailureKind, Row, STALE_SECONDS};
pub use summary::{BudgetSummary, Facts, FindingSummary, NextFull, Omitted, Summary, WorkloadUse};

#[cfg(test)]
mod age_tests;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;
