use super::term::share;
use super::{Proposal, memory};
use crate::limits::recommended::recommended_watches;
use crate::model::Pair;

/// The need with its headroom, in per cent of it.
#[must_use]
pub fn with_headroom(need: Pair<u64>, percent: u64) -> Pair<u64> {
    need.map(|value| share(value, percent.saturating_add(100), 100))
}

/// Limits for a need: the next power of two, and never below the common practice, since an unused limit
/// costs nothing and workloads are what no plan knows. Where that practice is more than the memory bears,
/// as much of it as the memory bears.
#[must_use]
pub fn propose(wanted: Pair<u64>, memory_bytes: Option<u64>) -> Proposal {
    let round = |value: u64| value.checked_next_power_of_two().unwrap_or(u64::MAX);
    let common = Proposal::COMMON_PRACTICE;
    Proposal {
        max_user_instances: round(wanted.instances)
            .max(common.max_user_instances)
            .min(memory::MOST),
        max_user_watches: round(wanted.watches)
            .max(recommended_watches(memory_bytes))
            .min(memory::MOST),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn small_needs_get_the_common_practice() {
        assert_eq!(
            propose(Pair::of(700, 4_000), None),
            Proposal::COMMON_PRACTICE
        );
        let large = propose(Pair::of(9_000, 600_000), None);
        assert_eq!(
            (large.max_user_instances, large.max_user_watches),
            (16_384, 1 << 20)
        );
        let small_node = propose(Pair::of(700, 4_000), Some(1 << 30));
        assert_eq!(small_node.max_user_watches, 1 << 18);
        assert_eq!(with_headroom(Pair::of(3, 7), 50), Pair::of(5, 11));
    }

    proptest! {
        #[test]
        fn a_proposal_holds_what_is_wanted(instances in 0..=memory::MOST, watches in 0..=memory::MOST, memory: Option<u64>) {
            let limits = propose(Pair::of(instances, watches), memory);
            prop_assert!(limits.max_user_instances >= instances && limits.max_user_watches >= watches);
            prop_assert!(limits.max_user_instances <= memory::MOST && limits.max_user_watches <= memory::MOST);
        }

        #[test]
        fn more_headroom_is_never_less(instances: u64, watches: u64, percent in 0_u64..100_000) {
            let need = Pair::of(instances, watches);
            let (less, more) = (with_headroom(need, percent), with_headroom(need, percent + 1));
            prop_assert!(less.instances <= more.instances && less.watches <= more.watches);
            prop_assert!(less.instances >= instances);
        }
    }
}
