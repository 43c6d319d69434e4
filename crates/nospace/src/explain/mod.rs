//! Logs into an [`nospace_core::explain::Explanation`]: opening, unpacking, reading, following.
//!
//! What lines mean is decided in [`nospace_core::explain`]; this is the part that touches files.

mod expand;
mod follow;
mod input;
mod journal;
pub mod pages;
mod progress;
mod read;
mod unpack;
mod utf16;

pub use expand::files;
pub use follow::LogFollower;
pub use input::Input;
pub use journal::{JournalQuery, JournalSource, is_journal};
pub use read::{LogReading, drain, read_all, source_read};
