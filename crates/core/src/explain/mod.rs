//! What log lines really mean.
//!
//! ```text
//! bytes ─ Scanner → candidate lines ─ NormalForm ─ Classifier → Hit ─ Summary → Explanation
//! ```
//!
//! [`Scanner`] finds the few lines that have a literal of the table or an errno, [`Classifier`] says what they mean, by the
//! table of signatures or by the evidence in the line ([`crate::inference`]), [`Summary`] adds up, [`judge`] asks a
//! [`crate::report::Report`] of the node whether it is still so. Nothing here reads a file.

mod account;
mod candidates;
mod classify;
mod evidence;
mod figure;
mod frame;
mod guard;
mod hit;
mod literal;
mod moment;
mod object;
mod origin;
mod remedy;
mod report;
mod says;
mod scan;
mod summary;
mod wrap;

pub use classify::{Classifier, Match};
pub use evidence::judge;
pub use frame::{Frame, starts_record};
pub use hit::Hit;
pub use moment::seconds;
pub use object::Object;
pub use report::{
    ExplainedCause, ExplainedLine, Explanation, LineRef, MessageKind, NodeSays, SourceRead, Verdict,
};
pub use scan::{LONGEST_LINE, Scanner, ScannerStats};
pub use summary::Summary;
