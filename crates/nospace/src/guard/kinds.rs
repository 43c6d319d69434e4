//! The two resources, in the types of the eBPF programs and in those of the model.

use nospace_bpf::guard::{Both, Resource};
use nospace_core::model::{InotifyResource, Pair};

/// In the model's type.
pub fn inotify(resource: Resource) -> InotifyResource {
    match resource {
        Resource::Watches => InotifyResource::Watches,
        Resource::Instances => InotifyResource::Instances,
    }
}

/// In the programs' type.
pub fn both<T: Copy>(pair: Pair<T>) -> Both<T> {
    Both::from_fn(|resource| pair[inotify(resource)])
}

/// In the model's type.
pub fn pair<T: Copy>(both: Both<T>) -> Pair<T> {
    Pair::of(both.instances, both.watches)
}

/// In the order of reports: what runs out most often comes first.
pub const ORDER: [InotifyResource; 2] = [InotifyResource::Watches, InotifyResource::Instances];
