//! What use of the limits costs in kernel memory, which is never swapped; an unused limit costs nothing.

/// Bytes that the kernel counts for a watch on 64 bits: the mark and two inodes, one of them for
/// what a file system adds to its own (`INOTIFY_WATCH_COST`, fs/notify/inotify/inotify_user.c).
///
/// 80 + 2 * 640 as Debian builds 6.1; 80 + 2 * 616 on a 6.18 kernel with fewer options (both read from
/// BTF, or calculated from the limit that the kernel made of its memory).
pub const WATCH_BYTES: u64 = 1_360;

/// Bytes that an instance takes: `fsnotify_group` (320), `file` (184), the overflow event (32) and the
/// first page of its idr, each in the slab that fits (BTF of a 6.18 kernel), rounded up.
pub const INSTANCE_BYTES: u64 = 1_536;

/// Most bytes that an unread event takes: `inotify_event_info` (32) and a name of 255, in a slab of 512.
pub const EVENT_BYTES: u64 = 512;

/// Bytes that one user takes who uses `watches` watches.
#[must_use]
pub fn of_watches(watches: u64) -> u64 {
    watches.saturating_mul(WATCH_BYTES)
}

/// Most watches that `memory` bytes bear: used up, they take half of it.
#[must_use]
pub fn most_watches(memory: u64) -> u64 {
    memory / 2 / WATCH_BYTES
}
