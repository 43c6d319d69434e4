//! The guard, which keeps a reserve of root's inotify watches and instances for the node.
//!
//! ```text
//! Probe ─ choose ─▶ Hooks ─▶ Keeper ◀── Reserve (a number, or what a kubelet start takes)
//! cgroup tree ─ KubeCgroups ─ Census ─▶ policies ──▲  └── GuardLine (status, at the line, ended) ──▶ Sink
//! node's disk ─ Names ──────────▲
//! accounting, cgroup.procs ─ used ─▶ Budgets ─▶ GuardLine (over budget), Tally
//! ```

mod at_line;
mod budgets;
mod census;
mod cgroups;
mod choose;
mod document;
mod keeper;
mod kinds;
mod lines;
mod names;
mod place;
mod probing;
mod reserve;
mod session;
mod settings;
mod skips;

pub use budgets::parse_budget;
pub use choose::{Chosen, Unkept, choose};
pub use document::{GuardProbe, GuardableResource, ReserveVerdict, TriedHook};
pub use keeper::Keeper;
pub use lines::{
    BudgetStatus, BudgetedPods, CallsAtLine, EndReason, GuardEnd, GuardLine, GuardMode,
    GuardStatus, GuardedPods, KeptResource, LastCall, NotGuarded, OverBudget, PodAtLine, PodCalls,
    PodOverBudget, PodRef, SkippedCalls, StatusReason, UnreadablePods, Untested,
};
pub use probing::{tried, try_hooks};
pub use reserve::{Asked, ReserveSize};
pub use session::{Guarding, Observer, OverBudgets, Pace, PodOver, Tally, keep};
pub use settings::{CannotGuard, Settings, Wish};
