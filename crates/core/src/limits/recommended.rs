//! What nodes are generally given, and what that costs.

use super::kernel_memory;
use crate::amount;
use crate::model::InotifyResource;

/// Instances that RKE2, kube-up, EKS and Bottlerocket agree on for a node.
pub const RECOMMENDED_INSTANCES: u64 = 8_192;
/// Watches that they agree on.
pub const RECOMMENDED_WATCHES: u64 = 524_288;

/// What is generally recommended for a node with this many bytes of memory.
#[must_use]
pub fn recommended(resource: InotifyResource, memory: Option<u64>) -> u64 {
    match resource {
        InotifyResource::Instances => RECOMMENDED_INSTANCES,
        InotifyResource::Watches => recommended_watches(memory),
    }
}

/// The watches that are recommended; no more than half of the memory bears, in a power of two.
#[must_use]
pub fn recommended_watches(memory: Option<u64>) -> u64 {
    let bears = |memory| {
        let most = kernel_memory::most_watches(memory);
        most.checked_ilog2().map_or(0, |log| 1 << log)
    };
    memory.map_or(RECOMMENDED_WATCHES, |memory| {
        RECOMMENDED_WATCHES.min(bears(memory))
    })
}

/// What raising the limit to `value` does, and costs.
pub fn cost(resource: InotifyResource, value: u64) -> String {
    let every = "raises the limit of every user of the node";
    match resource {
        InotifyResource::Instances => every.to_owned(),
        InotifyResource::Watches => format!(
            "{every}; in use, {} watches would take about {} of memory, an unused limit takes none",
            amount::thousands(value),
            amount::bytes(kernel_memory::of_watches(value))
        ),
    }
}
