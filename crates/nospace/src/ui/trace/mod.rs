//! What `trace` shows people: calls as they come, and totals.

mod call;
mod summary;
mod words;

pub use call::call;
pub use summary::summary;
