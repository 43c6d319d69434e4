//! /proc/PID: stat, cgroup, limits.

use memchr::{memchr, memrchr};

use super::{Malformed, Parsed, lines, lossy, number, word, words};
use crate::model::CgroupPath;

/// What nospace takes from /proc/PID/stat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Name of the main thread, lossy.
    pub comm: String,
    /// Parent.
    pub ppid: u32,
    /// `PF_KTHREAD` is set: it has no descriptors and no user.
    pub kernel_thread: bool,
    /// Start time in clock ticks since boot.
    pub start_ticks: u64,
}

/// Reads /proc/PID/stat (proc_pid_stat(5)).
///
/// # Errors
///
/// When a field is missing; a name may hold anything, brackets and newlines included.
pub fn stat(bytes: &[u8]) -> Parsed<Stat> {
    const WHAT: &str = "stat";
    /// include/linux/sched.h.
    const PF_KTHREAD: u64 = 0x0020_0000;
    let broken = || Malformed::new(WHAT, "no name in brackets");
    let open = memchr(b'(', bytes).ok_or_else(broken)?;
    let close = memrchr(b')', bytes)
        .filter(|close| *close > open)
        .ok_or_else(broken)?;
    let rest = &bytes[close + 1..];
    // rest begins with field 3, state.
    let ppid = u32::try_from(word(WHAT, rest, 1)?);
    Ok(Stat {
        comm: lossy(&bytes[open + 1..close]),
        ppid: ppid.map_err(|_| Malformed::new(WHAT, "the parent is no pid"))?,
        kernel_thread: word(WHAT, rest, 6)? & PF_KTHREAD != 0,
        start_ticks: word(WHAT, rest, 19)?,
    })
}

/// Reads /proc/PID/cgroup: `hierarchy:controllers:path` a line (cgroups(7)).
///
/// # Errors
///
/// When a line has fewer than two colons.
pub fn cgroup(bytes: &[u8]) -> Parsed<Vec<CgroupPath>> {
    lines(bytes)
        .map(|line| {
            let mut parts = line.splitn(3, |byte| *byte == b':').skip(1);
            match (parts.next(), parts.next()) {
                (Some(controllers), Some(path)) => Ok(CgroupPath {
                    controllers: lossy(controllers),
                    path: lossy(path),
                }),
                _ => Err(Malformed::new("cgroup", format!("{:?}", lossy(line)))),
            }
        })
        .collect()
}

/// Soft and hard RLIMIT_NOFILE of /proc/PID/limits; `None` when unlimited.
///
/// # Errors
///
/// When there is no such line or no two numbers in it.
pub fn descriptor_limits(bytes: &[u8]) -> Parsed<[Option<u64>; 2]> {
    const WHAT: &str = "limits";
    let line = lines(bytes).find_map(|line| line.strip_prefix(b"Max open files"));
    let line = line.ok_or_else(|| Malformed::new(WHAT, "no line «Max open files»"))?;
    let mut words = words(line);
    let mut limit = || match words.next() {
        Some(b"unlimited") => Ok(None),
        Some(limit) => number(WHAT, limit).map(Some),
        None => Err(Malformed::new(WHAT, "«Max open files» lacks a value")),
    };
    Ok([limit()?, limit()?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_real_stat() {
        let bytes = b"1 (process_api) S 0 1 1 0 -1 4194560 2316 5149 57 9 41 33 3 6 20 0 4 0 11 38338560 2321 18446744073709551615";
        let stat = stat(bytes).unwrap();
        assert_eq!(stat.comm, "process_api");
        assert_eq!(
            (stat.ppid, stat.start_ticks, stat.kernel_thread),
            (0, 11, false)
        );
    }

    #[test]
    fn a_kernel_thread() {
        let bytes = b"2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 3 0 0";
        assert!(stat(bytes).unwrap().kernel_thread);
    }

    #[test]
    fn a_name_that_looks_like_fields() {
        let bytes = b"7 (a) b (c\n)) S 5 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 99 0 0";
        let stat = stat(bytes).unwrap();
        assert_eq!(
            (stat.comm.as_str(), stat.ppid, stat.start_ticks),
            ("a) b (c\n)", 5, 99)
        );
    }

    #[test]
    fn cgroups_of_both_versions() {
        let paths = cgroup(b"12:cpu,cpuacct:/a:b\n1:name=systemd:/\n0::/x\n").unwrap();
        assert_eq!(paths[0].controllers, "cpu,cpuacct");
        assert_eq!(paths[0].path, "/a:b");
        assert_eq!(paths[2].controllers, "");
        assert!(cgroup(b"nonsense\n").is_err());
    }

    #[test]
    fn limits_are_numbers_or_unlimited() {
        let real =
            b"Limit                     Soft Limit           Hard Limit           Units     \n\
            Max open files            1024                 524288               files     \n";
        assert_eq!(
            descriptor_limits(real).unwrap(),
            [Some(1024), Some(524_288)]
        );
        let unlimited = descriptor_limits(b"Max open files 1024 unlimited files");
        assert_eq!(unlimited.unwrap(), [Some(1024), None]);
        assert!(descriptor_limits(b"Max open files 1024").is_err());
        assert!(descriptor_limits(b"Max cpu time 1 1").is_err());
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = (stat(&bytes), cgroup(&bytes), descriptor_limits(&bytes));
        }

        #[test]
        fn any_name_is_read_back(name in prop::collection::vec(any::<u8>(), 0..16), ppid: u32, start: u64) {
            let mut bytes = b"9 (".to_vec();
            bytes.extend(&name);
            bytes.extend(format!(") S {ppid} 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 {start} 0").bytes());
            let stat = stat(&bytes).unwrap();
            prop_assert_eq!((stat.ppid, stat.start_ticks), (ppid, start));
            prop_assert_eq!(stat.comm, lossy(&name));
        }
    }
}
