//! What a line means that no signature knows, from the errno that it states and the words around that.
//!
//! ```text
//! NormalForm ─ Evidence::of → errno, clause, object, dialect ─ score (rules.toml) → Inference
//! ```
//!
//! Without an errno that is stated as the reason of a failure nothing is said: prose, commands and tables mention errnos, too.

mod evidence;
mod quotation;
mod rules;
mod score;
mod statement;
#[cfg(test)]
mod tests;

pub use evidence::{Dialect, Evidence, Place};
pub use quotation::is_quoted;
pub use rules::{Rule, Verdict, rules};
pub use score::{Answer, Inference, infer};
pub use statement::{Statement, Surroundings};
