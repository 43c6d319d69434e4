//! What `nospace cluster` shows.

mod html;
mod markdown;
mod table;
mod words;

pub use html::html;
pub use markdown::markdown;
pub use table::{Options, draw};
