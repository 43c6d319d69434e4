//! What `explain` shows people: the story of each cause, single hits, the table, the pages.

mod hit;
mod list;
mod manual;
mod marked;
mod story;

pub use hit::hit;
pub use list::list;
pub use manual::manual;
pub use story::story;
