use super::Sysctl;
use crate::model::{InotifyResource, Pair};

/// The highest values that the limits of inotify are raised to, where given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ceiling(Pair<Option<u64>>);

impl Ceiling {
    /// From `watches=1048576,instances=8192`, or one of them.
    ///
    /// # Errors
    ///
    /// What is expected instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut ceiling = Self::default();
        for part in text.split(',') {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let mut both = InotifyResource::BOTH.into_iter();
            let resource = both.find(|resource| resource.unit() == name);
            let value = value.parse().map_err(|_| EXPECTED.to_owned())?;
            ceiling.0[resource.ok_or(EXPECTED)?] = Some(value);
        }
        Ok(ceiling)
    }

    /// The ceiling of this sysctl.
    #[must_use]
    pub fn of(&self, sysctl: &Sysctl) -> Option<u64> {
        let sysctls = Pair {
            instances: Sysctl::INSTANCES,
            watches: Sysctl::WATCHES,
        };
        let mut both = InotifyResource::BOTH.into_iter();
        let resource = both.find(|resource| sysctls[*resource] == sysctl)?;
        self.0[resource]
    }
}

const EXPECTED: &str =
    "expected watches=N, instances=N or both, for example watches=1048576,instances=8192";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_or_both_are_given() {
        let both = Ceiling::parse("watches=10,instances=2").unwrap();
        assert_eq!(
            (both.of(Sysctl::WATCHES), both.of(Sysctl::INSTANCES)),
            (Some(10), Some(2))
        );
        assert_eq!(
            Ceiling::parse("watches=10").unwrap().of(Sysctl::INSTANCES),
            None
        );
        for wrong in [
            "",
            "10",
            "watches=",
            "watches=-1",
            "watches=1;instances=1",
            "pids=3",
        ] {
            assert!(Ceiling::parse(wrong).is_err(), "{wrong}");
        }
    }
}
