//! Raises limits, makes them last, and takes it all back: the half of `nospace tune` that changes the node.
//!
//! ```text
//! Site ─ dry_run ─▶ DryRun ─ apply ─▶ Tuning        Site ─ revert ─▶ Tuning
//! ```

mod apply;
mod dry_run;
mod environment;
mod file;
mod live;
mod lock;
mod obstacle;
mod other_settings;
mod revert;
mod site;

pub use apply::apply;
pub use dry_run::{DryRun, dry_run};
#[cfg(feature = "agent")]
pub(crate) use live::set as raise;
pub use revert::revert;
pub use site::{Scope, Site, SiteKind};
