//! What `trace` shows people: calls as they come, and totals.

mod call;
mod summary;
mod words;

pub use call::{call, time_of_day};
pub use summary::summary;
pub use words::{causes, owner, reasons, usage};
