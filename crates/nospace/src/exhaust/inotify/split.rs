//! Into how many instances watches are split. Pure.

/// The kernel goes through all watches of an inode to add one: more than this make it slow, fewer need more inodes.
const MOST: u64 = 128;

/// How many instances to take for `watches` watches, where `instances` are free and this process may have
/// `descriptors`: one for each instance and each file. At least half of the free instances are left, unless the
/// descriptors do not suffice.
///
/// # Errors
///
/// How many descriptors are needed at least.
pub fn split(watches: u64, instances: u64, descriptors: u64) -> Result<u64, u64> {
    let fits = |count: u64| count + watches.div_ceil(count) <= descriptors;
    let wanted = (instances / 2).clamp(1, MOST);
    if fits(wanted) {
        return Ok(wanted);
    }
    let most = instances.saturating_sub(1).max(1);
    let enough = (wanted..=most).find(|&count| fits(count));
    enough.ok_or(most + watches.div_ceil(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_inodes_and_instances_to_spare() {
        assert_eq!(split(192_536, 120, 20_000), Ok(60));
        assert_eq!(split(524_288, 8_192, 1_000_000), Ok(128));
        assert_eq!(split(10, 1, 100), Ok(1));
        assert_eq!(split(0, 0, 100), Ok(1));
    }

    #[test]
    fn few_descriptors_take_more_instances() {
        let count = split(192_536, 120, 2_000).unwrap();
        assert!(count > 60 && count + 192_536_u64.div_ceil(count) <= 2_000);
        assert_eq!(split(192_536, 120, 1_000), Err(119 + 1_618));
    }

    proptest::proptest! {
        #[test]
        fn what_is_chosen_fits(watches in 0..2_000_000u64, instances in 0..10_000u64, descriptors in 0..100_000u64) {
            match split(watches, instances, descriptors) {
                Ok(count) => {
                    assert!(count >= 1 && count <= instances.max(1));
                    assert!(count + watches.div_ceil(count) <= descriptors);
                }
                Err(needed) => assert!(needed > descriptors),
            }
        }
    }
}
