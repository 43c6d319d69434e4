//! What limits a node should have, and what keeps them: the pure half of `nospace tune`.
//!
//! ```text
//! View ─┬─ requests ─ propose ─▶ SysctlProposal    drop-in text ◀─▶ DropIn
//! Boot ─┘ (profile, plan, options)                 other files  ──▶ OtherSetting
//! ```
//!
//! A [`SysctlRequest`] is a value that the profile, the node, a plan or the user asks for, with the reason. [`propose`] never
//! lowers a sysctl, and refuses a value whose full use would take too much memory.

mod ceiling;
mod drop_in;
pub mod formats;
mod namespaces;
mod other_setting;
mod plan;
mod platform;
mod propose;
mod report;
mod request;

pub use crate::limits::Sysctl;
pub use ceiling::Ceiling;
pub use drop_in::{DROP_IN, DropIn, DropInError, Entry};
pub use namespaces::{NamespaceLimit, namespaces};
pub use other_setting::{OtherSetting, SettingSource, cloud_init, tuned_includes, tuned_sysctls};
pub use plan::requests_of_plan;
pub use platform::PlatformAdvice;
pub use propose::{Refusal, SysctlProposal, propose};
pub use report::{Action, Change, FileStep, Step, StepState, Tuning};
pub use request::{SysctlRequest, profile, requests_of_node};

use crate::limits;

/// Every sysctl that tune raises.
pub fn tunable() -> impl Iterator<Item = &'static Sysctl> {
    limits::sysctls().filter(|sysctl| sysctl.tunable)
}

/// The sysctl of that name that tune raises, with dots or slashes.
#[must_use]
pub fn sysctl(key: &str) -> Option<&'static Sysctl> {
    limits::sysctl(key).filter(|sysctl| sysctl.tunable)
}

/// Whether the kernel would take `value` for `key`; of keys that nospace does not know, yes.
#[must_use]
pub fn takes(key: &str, value: &str) -> bool {
    limits::sysctl(key).is_none_or(|sysctl| sysctl.takes(value))
}
