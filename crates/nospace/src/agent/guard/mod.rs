//! The guard that the agent runs, if it was asked to: the same [`Keeper`](crate::guard::Keeper) as `nospace guard`.
//!
//! ```text
//! Config.guard ─ run (thread) ─ Keeper ─ Recorder ─▶ GuardState ─┬▶ GuardMetrics ─▶ /metrics, page
//!   ▲ SIGHUP       ▲ again, after RETRY                          └▶ GuardView (in Observation) ─▶ condition, events
//! ```

mod run;
mod state;
mod view;

pub use run::GuardThread;
pub use state::GuardState;
pub use view::{GuardView, PodAtLineNote, Standing};
