//! Instances and watches of a user.

mod accounting;
mod descriptors;
mod inode;
mod instances;
mod pool;
mod split;
mod user;
mod watches;

pub use accounting::InotifyAccounting;
pub use instances::Instances;
pub use user::EffectiveUser;
pub use watches::Watches;
