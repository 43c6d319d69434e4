//! What limits a node should have, and what keeps them: the pure half of `nospace tune`.
//!
//! ```text
//! View ─┬─ wishes ─ propose ─▶ Proposed        drop-in text ◀─▶ DropIn
//! Boot ─┘ (profile, plan, options)             other files  ──▶ Setter
//! ```
//!
//! A [`Knob`] is a sysctl that tune knows. A [`Wish`] is a value that somebody wants for one, with the reason.
//! [`propose`] never lowers, and refuses what the memory cannot bear.

mod ceiling;
mod drop_in;
mod knob;
mod namespaces;
mod plan;
mod platform;
mod propose;
mod report;
mod setter;
mod wish;

pub use ceiling::Ceiling;
pub use drop_in::{DROP_IN, DropIn, Entry, Foreign};
pub use knob::{KNOBS, Knob, knob, takes};
pub use namespaces::{NamespaceLimit, namespaces};
pub use plan::wishes_of_plan;
pub use platform::PlatformAdvice;
pub use propose::{Proposed, Refusal, propose};
pub use report::{Action, Change, FileStep, State, Step, Tuning};
pub use setter::{Setter, Source, cloud_init, tuned_includes, tuned_sysctls};
pub use wish::{Wish, asked_by_node, profile};
