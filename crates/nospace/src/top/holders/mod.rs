//! Who holds what, by process, pod, workload, program or user.

mod key;
mod rows;
mod windows;

pub use key::{Grouping, Identity, Key, OwnerKey};
pub use rows::{Choice, Row, SortKey, rows};
pub use windows::{Windows, difference};
