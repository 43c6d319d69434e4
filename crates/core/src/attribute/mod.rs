//! Whose is what: processes to units, containers and pods; instances summed, each once.

mod names;
mod owners;

pub use owners::owners;
