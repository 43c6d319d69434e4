//! Files below a cgroup mount, and /proc/cgroups.

use std::collections::BTreeMap;

use super::{Malformed, Parsed, lines, lossy, number, words};

/// A row of /proc/cgroups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subsystem {
    /// Hierarchy id; 0 when it is not mounted in v1.
    pub hierarchy: u64,
    /// Cgroups that the kernel counts, removed but not yet freed ones included.
    pub cgroups: u64,
}

/// Reads /proc/cgroups by controller (cgroups(7)).
///
/// # Errors
///
/// When a row has not four columns of which the last three are numbers.
pub fn subsystems(bytes: &[u8]) -> Parsed<BTreeMap<String, Subsystem>> {
    const WHAT: &str = "cgroups";
    let rows = lines(bytes).filter(|line| !line.starts_with(b"#"));
    rows.map(|line| {
        let mut columns = words(line);
        let (Some(name), Some(hierarchy), Some(cgroups)) =
            (columns.next(), columns.next(), columns.next())
        else {
            return Err(Malformed::new(WHAT, format!("{:?}", lossy(line))));
        };
        let row = Subsystem {
            hierarchy: number(WHAT, hierarchy)?,
            cgroups: number(WHAT, cgroups)?,
        };
        Ok((lossy(name), row))
    })
    .collect()
}

/// A file of `key value` lines: cgroup.stat, pids.events.
///
/// # Errors
///
/// When a value is no number.
pub fn flat_keyed(what: &'static str, bytes: &[u8]) -> Parsed<BTreeMap<String, u64>> {
    lines(bytes)
        .map(|line| {
            let mut pair = words(line);
            match (pair.next(), pair.next()) {
                (Some(key), Some(value)) => Ok((lossy(key), number(what, value)?)),
                _ => Err(Malformed::new(what, format!("{:?}", lossy(line)))),
            }
        })
        .collect()
}

/// A limit that may be `max`, which is `None`.
///
/// # Errors
///
/// When it is neither a number nor `max`.
pub fn limit(what: &'static str, bytes: &[u8]) -> Parsed<Option<u64>> {
    match bytes.trim_ascii() {
        b"max" => Ok(None),
        value => number(what, value).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn real_files() {
        let rows = subsystems(
            b"#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpuset\t3\t1\t1\nmemory\t4\t45\t1\n",
        );
        assert_eq!(
            rows.unwrap()["memory"],
            Subsystem {
                hierarchy: 4,
                cgroups: 45
            }
        );
        let stat = flat_keyed(
            "cgroup.stat",
            b"nr_descendants 42\nnr_dying_descendants 3\n",
        )
        .unwrap();
        assert_eq!(stat["nr_dying_descendants"], 3);
        assert_eq!(limit("pids.max", b"max\n").unwrap(), None);
        assert_eq!(limit("pids.max", b"1000\n").unwrap(), Some(1000));
        assert!(limit("pids.max", b"many").is_err());
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = (subsystems(&bytes), flat_keyed("any", &bytes), limit("any", &bytes));
        }
    }
}
