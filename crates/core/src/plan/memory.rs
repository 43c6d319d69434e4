//! What the limits of inotify cost in kernel memory, which is never swapped. A limit costs nothing;
//! what is used of it does.

use super::Proposal;

pub use crate::limits::kernel_memory::{
    EVENT_BYTES, INSTANCE_BYTES, WATCH_BYTES, most_watches, of_watches,
};

/// The sysctls are ints, or bounded as such (`it_int_max`, fs/notify/inotify/inotify_user.c).
pub const MOST: u64 = i32::MAX as u64;

/// Least and most that the kernel sets `max_user_watches` to by itself, from 5.11.
pub const DEFAULT_WATCHES: std::ops::RangeInclusive<u64> = 8_192..=1_048_576;

/// `max_user_watches` as the kernel sets it at boot from 5.11 on a machine with `memory` bytes:
/// 1 % of it (`inotify_user_setup`). The kernel's own figure differs by a few per cent, with what `struct
/// inode` has in its configuration, and since it counts the memory that is there before its own start
/// code is given back.
#[must_use]
pub fn default_max_user_watches(memory: u64) -> u64 {
    (memory / 100 / WATCH_BYTES).clamp(*DEFAULT_WATCHES.start(), *DEFAULT_WATCHES.end())
}

/// Bytes of memory from which on [`default_max_user_watches`] is at least `watches`; `None` where it
/// never is.
#[must_use]
pub fn memory_for_default(watches: u64) -> Option<u64> {
    if watches <= *DEFAULT_WATCHES.start() {
        return Some(0);
    }
    (watches <= *DEFAULT_WATCHES.end()).then(|| watches.saturating_mul(WATCH_BYTES * 100))
}

/// Bytes that one user takes who uses the limits up, queues of events apart.
#[must_use]
pub fn worst_case(limits: Proposal) -> u64 {
    of_watches(limits.max_user_watches)
        .saturating_add(limits.max_user_instances.saturating_mul(INSTANCE_BYTES))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Within 4 % of what kernels made of their memory, never above it.
    #[test]
    fn the_default_is_near_the_kernels() {
        // MemTotal in KiB, max_user_watches: Debian's 6.1, and 6.18 with a smaller inode.
        for (memory, kernels) in [(3_041_228, 22_829), (24_684_092, 192_536)] {
            let ours = default_max_user_watches(memory * 1024);
            assert!(ours <= kernels + kernels / 100, "{ours} > {kernels}");
            assert!(ours >= kernels - kernels / 25, "{ours} < {kernels}");
        }
        assert_eq!(default_max_user_watches(0), 8_192);
        assert_eq!(default_max_user_watches(u64::MAX), 1_048_576);
    }

    #[test]
    fn the_common_practice_costs_under_a_gibibyte() {
        let cost = worst_case(Proposal::COMMON_PRACTICE);
        assert_eq!(crate::amount::bytes(cost), "692 MiB");
    }

    proptest! {
        #[test]
        fn memory_for_a_default_gives_that_default(watches in 0_u64..2_000_000) {
            match memory_for_default(watches) {
                Some(memory) => prop_assert!(default_max_user_watches(memory) >= watches),
                None => prop_assert!(watches > 1_048_576),
            }
        }

        #[test]
        fn nothing_overflows(max_user_instances: u64, max_user_watches: u64) {
            let worst = worst_case(Proposal { max_user_instances, max_user_watches });
            prop_assert!(worst >= max_user_watches);
            prop_assert!(default_max_user_watches(max_user_watches) >= 8_192);
            prop_assert!(most_watches(max_user_watches) <= max_user_watches);
        }
    }
}
