use crate::parse::sysctl::number;

/// Most sysctls are ints; those of inotify are bounded as such (`it_int_max`, fs/notify/inotify/inotify_user.c).
pub const INT_MAX: u64 = i32::MAX as u64;
/// Some are longs.
pub const LONG_MAX: u64 = i64::MAX as u64;

/// A sysctl that sets a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sysctl {
    /// Dotted name.
    pub key: &'static str,
    /// The least that the kernel takes.
    pub least: u64,
    /// The most that the kernel takes.
    pub most: u64,
    /// Kernel memory for each unit in use, in bytes; `None` where it takes none worth the name.
    pub unit_bytes: Option<u64>,
    /// What a raise goes up to at least.
    pub floor: u64,
    /// What the limit is for: `each user`, `the node`.
    pub each: &'static str,
    /// Whether it is one number that nospace raises.
    pub tunable: bool,
    /// What raising it does, for a remedy: `raises the limit of each user`.
    pub effect: &'static str,
}

impl Sysctl {
    /// An int from 0 that takes no memory worth the name.
    #[must_use]
    pub const fn int(key: &'static str, each: &'static str, effect: &'static str) -> Self {
        Self {
            key,
            least: 0,
            most: INT_MAX,
            unit_bytes: None,
            floor: 0,
            each,
            tunable: true,
            effect,
        }
    }

    /// One that is read, and compared with what the next boot sets, but not raised: several numbers, or the limit of a
    /// namespace of its own.
    #[must_use]
    pub const fn watched(key: &'static str, each: &'static str) -> Self {
        Self {
            tunable: false,
            ..Self::int(key, each, "")
        }
    }

    /// With this much kernel memory for each unit in use, in bytes.
    #[must_use]
    pub const fn costing(self, unit_bytes: u64) -> Self {
        Self {
            unit_bytes: Some(unit_bytes),
            ..self
        }
    }

    /// Whether this is its name, with dots or slashes.
    #[must_use]
    pub fn is_called(&self, key: &str) -> bool {
        let mut names = self.key.bytes().zip(key.bytes());
        self.key.len() == key.len()
            && names.all(|(own, given)| own == given || own == b'.' && given == b'/')
    }

    /// Whether the kernel would take `value`; of one that is no single number nothing is known, so yes.
    #[must_use]
    pub fn takes(&self, value: &str) -> bool {
        !self.tunable
            || number(value).is_some_and(|value| (self.least..=self.most).contains(&value))
    }

    /// Kernel memory when `value` is used up, in bytes.
    #[must_use]
    pub fn cost(&self, value: u64) -> Option<u64> {
        Some(self.unit_bytes?.saturating_mul(value))
    }

    /// The largest value that costs at most half of `memory` bytes when it is used up.
    #[must_use]
    pub fn affordable(&self, memory: Option<u64>) -> u64 {
        match (self.unit_bytes, memory) {
            (Some(unit), Some(memory)) => (memory / 2 / unit).min(self.most),
            _ => self.most,
        }
    }

    /// A value with room: the power of two from twice the use, at least the floor; `None` where that
    /// would not raise `limit`.
    #[must_use]
    pub fn suggest(&self, used: u64, limit: u64) -> Option<u64> {
        suggest_limit(used, limit, self.floor, self.most)
    }
}

/// A limit with room: the power of two from twice the use, at least `floor`, at most `most`;
/// `None` where that would not raise it.
#[must_use]
pub fn suggest_limit(used: u64, limit: u64, floor: u64, most: u64) -> Option<u64> {
    let doubled = used.saturating_mul(2).checked_next_power_of_two();
    let value = doubled.unwrap_or(u64::MAX).max(floor).min(most);
    (value > limit).then_some(value)
}
