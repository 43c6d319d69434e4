//! The queue of unread events of an inotify instance: IN_Q_OVERFLOW. Nothing is refused; events are lost.

use super::kernel_memory::EVENT_BYTES;
use super::{Limit, Raise, Sysctl};
use crate::cause::Cause;

pub const LIMIT: Limit = Limit {
    sysctls: &[Sysctl::int(
        "fs.inotify.max_queued_events",
        "each instance",
        "makes the queues of new instances longer",
    )
    .costing(EVENT_BYTES)],
    raise: Some(Raise {
        key: "fs.inotify.max_queued_events",
        to: 65_536,
        why: "longer queues for instances that are created from now on; the reader must rescan what it missed",
    }),
    ..Limit::in_logs(
        Cause::EventQueue,
        "An inotify instance was read too slowly: events were lost",
        include_str!("../../../../docs/causes/event-queue.md"),
    )
};
