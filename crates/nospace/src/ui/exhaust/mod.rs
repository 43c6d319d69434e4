//! What `exhaust` shows people: its progress, and the result.

mod progress;
mod summary;
mod words;

pub use progress::Progress;
pub use summary::summary;
pub use words::amount;
