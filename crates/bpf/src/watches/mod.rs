//! The watches of inotify instances with their paths, which come from the kernel's dentries: no file system is searched.

#[cfg(feature = "ebpf")]
mod entries;
#[cfg(feature = "ebpf")]
mod lister;
mod model;
#[cfg(not(feature = "ebpf"))]
mod stub;

#[cfg(feature = "ebpf")]
pub use lister::Lister;
pub use model::{Listed, Place, Watch, WatchedFile};
#[cfg(not(feature = "ebpf"))]
pub use stub::Lister;
