//! What watches are on: their places in the trees that people see, their events in words, and which directories cost most.

mod device;
mod event;
mod mounts;
mod report;
mod tree;

pub use device::Device;
pub use event::Event;
pub use mounts::MountTable;
pub use report::{
    DeviceUse, DirectoryUse, HolderRef, MarkKind, MarkingGroup, NamedMark, NamedWatch, Naming,
    PathState, WatchesReport, WatchingInstance, places,
};
pub use tree::{Branch, Tree};
