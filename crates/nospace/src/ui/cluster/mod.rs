//! What `nospace cluster` shows.

mod table;
mod words;

pub use table::{Options, draw};
