//! What `explain` shows people: each cause, single hits, the table of signatures, the pages.

mod causes;
mod highlight;
mod hit;
mod list;
mod manual;

pub use causes::causes;
pub use hit::hit;
pub use list::list;
pub use manual::manual;
