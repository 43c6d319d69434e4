//! What comes in from the node, from two threads of its own.

mod tracing;
mod worker;

pub use tracing::trace;
pub use worker::{Pace, Worker};
