//! What limits a node should have, and what keeps them: the pure half of `nospace tune`.
//!
//! ```text
//! View ─┬─ wishes ─ propose ─▶ Proposed        drop-in text ◀─▶ DropIn
//! Boot ─┘ (profile, plan, options)             other files  ──▶ OtherSetting
//! ```
//!
//! A [`Knob`] is a sysctl that tune knows. A [`Wish`] is a value that somebody wants for one, with the reason.
//! [`propose`] never lowers, and refuses what the memory cannot bear.

mod ceiling;
mod drop_in;
mod namespaces;
mod other_setting;
mod plan;
mod platform;
mod propose;
mod report;
mod wish;

pub use crate::limits::Sysctl as Knob;
pub use ceiling::Ceiling;
pub use drop_in::{DROP_IN, DropIn, DropInError, Entry};
pub use namespaces::{NamespaceLimit, namespaces};
pub use other_setting::{OtherSetting, SettingSource, cloud_init, tuned_includes, tuned_sysctls};
pub use plan::wishes_of_plan;
pub use platform::PlatformAdvice;
pub use propose::{Proposed, Refusal, propose};
pub use report::{Action, Change, FileStep, Step, StepState, Tuning};
pub use wish::{Wish, asked_by_node, profile};

use crate::limits;

/// Every sysctl that tune raises.
pub fn tunable() -> impl Iterator<Item = &'static Knob> {
    limits::sysctls().filter(|sysctl| sysctl.tunable)
}

/// The sysctl of that name that tune raises, with dots or slashes.
#[must_use]
pub fn knob(key: &str) -> Option<&'static Knob> {
    limits::sysctl(key).filter(|sysctl| sysctl.tunable)
}

/// Whether the kernel would take `value` for `key`; of keys that nospace does not know, yes.
#[must_use]
pub fn takes(key: &str, value: &str) -> bool {
    limits::sysctl(key).is_none_or(|sysctl| sysctl.takes(value))
}
