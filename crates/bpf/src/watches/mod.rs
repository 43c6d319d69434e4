//! The watches of inotify instances with their paths, which come from the kernel's dentries: no file system is searched.

#[cfg(feature = "ebpf")]
mod lister;
mod model;
#[cfg(feature = "ebpf")]
mod place;
#[cfg(not(feature = "ebpf"))]
mod stub;

#[cfg(feature = "ebpf")]
pub use lister::Lister;
pub use model::{Place, Watch};
#[cfg(not(feature = "ebpf"))]
pub use stub::Lister;
