use std::fmt;

use crate::accounting::Counter;

/// What a guard's program read of a user, beside the kernel's accounting of that user.
///
/// Others make and close instances meanwhile, so the two are never read at the same time: each look makes the range wider in which what
/// the program reads has to be. What it reads from the wrong place is in no such range.
pub(super) struct Comparison {
    least: u64,
    most: u64,
    limits: Vec<u64>,
    read: Vec<Read>,
}

#[derive(Clone, Copy)]
struct Read {
    used: u64,
    limit: u64,
}

impl Comparison {
    /// With a first look at the accounting.
    pub fn new(counted: Counter) -> Self {
        Self {
            least: counted.used,
            most: counted.used,
            limits: vec![counted.own_limit],
            read: Vec::new(),
        }
    }

    /// The program has read this, and the accounting says that afterwards.
    pub fn add(&mut self, used: u64, limit: u64, counted: Counter) {
        self.read.push(Read { used, limit });
        self.least = self.least.min(counted.used);
        self.most = self.most.max(counted.used);
        if !self.limits.contains(&counted.own_limit) {
            self.limits.push(counted.own_limit);
        }
    }

    /// Whether something that the program has read is right.
    pub fn agrees(&self) -> bool {
        let is_right = |read: &Read| {
            (self.least..=self.most).contains(&read.used) && self.limits.contains(&read.limit)
        };
        self.read.iter().any(is_right)
    }
}

/// `5 of 128 in use, and the kernel's accounting says 3 to 4 of 128`.
impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Read { used, limit }) = self.read.last() {
            write!(f, "{used} of {limit} in use, and ")?;
        }
        write!(f, "the kernel's accounting says {}", self.least)?;
        if self.most > self.least {
            write!(f, " to {}", self.most)?;
        }
        if let Some(limit) = self.limits.last() {
            write!(f, " of {limit}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(used: u64, own_limit: u64) -> Counter {
        Counter {
            used,
            own_limit,
            binding_limit: own_limit,
            room: own_limit - used,
        }
    }

    #[test]
    fn what_changes_between_two_looks_is_no_doubt() {
        let mut seen = Comparison::new(counted(3, 128));
        seen.add(5, 128, counted(3, 128));
        assert!(!seen.agrees());
        assert_eq!(
            seen.to_string(),
            "5 of 128 in use, and the kernel's accounting says 3 of 128"
        );
        seen.add(3, 128, counted(5, 128));
        assert!(seen.agrees());
    }

    #[test]
    fn a_wrong_place_is_in_no_range() {
        let mut seen = Comparison::new(counted(3, 128));
        for used in [4, 3, 5] {
            seen.add(0, 128, counted(used, 128));
            seen.add(4, 0, counted(used, 128));
        }
        assert!(!seen.agrees());
        assert_eq!(
            seen.to_string(),
            "4 of 0 in use, and the kernel's accounting says 3 to 5 of 128"
        );
    }

    #[test]
    fn a_limit_may_change_meanwhile() {
        let mut seen = Comparison::new(counted(3, 128));
        seen.add(3, 256, counted(3, 256));
        assert!(seen.agrees());
    }
}
