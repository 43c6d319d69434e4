//! What `nospace guard` shows people: what a kernel could keep, and what a guard does.

mod probe;
mod running;

pub use probe::draw;
pub use running::{line, over_budget};
