//! Instances and watches of a user.

mod accounting;
mod instances;
mod pool;
mod split;
mod watches;

pub use accounting::InotifyAccounting;
pub use instances::Instances;
pub use watches::Watches;
