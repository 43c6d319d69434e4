//! How calls without a value of their own in `trace_call` are traced: their numbers, the errors that count, and what is read of them.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::options::{ANY, Refused};
use crate::skeleton::trace::types::{any_call, call_shape, trace_config, trace_counted};

const NONE: call_shape = call_shape::SHAPE_NONE;
const FD: call_shape = call_shape::SHAPE_FD;
const PATH: call_shape = call_shape::SHAPE_PATH;
const FD_PATH: call_shape = call_shape::SHAPE_FD_PATH;

#[cfg(target_arch = "x86_64")]
const NATIVE: &str = include_str!("calls/x86_64.txt");
#[cfg(target_arch = "x86_64")]
const COMPAT: &str = include_str!("calls/i386.txt");
#[cfg(target_arch = "aarch64")]
const NATIVE: &str = include_str!("calls/arm64.txt");
/// 32-bit calls of arm64 are traced only where they have a value in `trace_call`.
#[cfg(target_arch = "aarch64")]
const COMPAT: &str = "";

/// Calls that i386 has in two versions, and the name of both.
const SAME: &[(&str, &str)] = &[
    ("mmap2", "mmap"),
    ("fcntl64", "fcntl"),
    ("sendfile64", "sendfile"),
];
/// Calls that do what their first argument says (arch/x86 ipc(2), socketcall(2)).
const IPC: &[(u64, &str)] = &[(2, "semget"), (13, "msgget"), (23, "shmget")];
const SOCKETCALL: &[(u64, &str)] = &[
    (1, "socket"),
    (3, "connect"),
    (5, "accept"),
    (8, "socketpair"),
    (9, "send"),
    (11, "sendto"),
    (16, "sendmsg"),
    (18, "accept4"),
    (20, "sendmmsg"),
];

type Read = (&'static str, call_shape, u8, trace_counted);

/// What is read of a call: which arguments are a descriptor and a path, the number (from 1) of the one that is reported, and what is counted.
#[rustfmt::skip]
const READ: &[Read] = &[
    ("fanotify_init", NONE, 1, trace_counted::COUNTED_GROUPS),
    ("fanotify_mark", FD, 3, trace_counted::COUNTED_MARKS),
    ("mq_open", PATH, 2, trace_counted::COUNTED_QUEUES),
    ("msgget", NONE, 1, trace_counted::COUNTED_MESSAGE_QUEUES),
    ("mmap", NONE, 4, trace_counted::COUNTED_MAPPINGS),
    ("mremap", NONE, 3, trace_counted::COUNTED_MAPPINGS),
    ("mprotect", NONE, 3, trace_counted::COUNTED_MAPPINGS),
    ("munmap", NONE, 2, trace_counted::COUNTED_MAPPINGS),
    ("mlock", NONE, 2, trace_counted::COUNTED_LOCKED),
    ("mlock2", NONE, 2, trace_counted::COUNTED_LOCKED),
    ("mlockall", NONE, 1, trace_counted::COUNTED_LOCKED),
    ("io_uring_setup", NONE, 1, trace_counted::COUNTED_LOCKED_BY_KERNEL),
    ("io_uring_register", FD, 2, trace_counted::COUNTED_LOCKED_BY_KERNEL),
    ("sendmsg", FD, 0, trace_counted::COUNTED_IN_FLIGHT),
    ("sendmmsg", FD, 0, trace_counted::COUNTED_IN_FLIGHT),
    ("connect", FD, 0, trace_counted::COUNTED_SOCKET),
    ("execve", PATH, 0, trace_counted::COUNTED_PROCESSES),
    ("execveat", FD_PATH, 0, trace_counted::COUNTED_PROCESSES),
    ("open", PATH, 2, trace_counted::COUNTED_NOTHING),
    ("creat", PATH, 2, trace_counted::COUNTED_NOTHING),
    ("openat", FD_PATH, 3, trace_counted::COUNTED_NOTHING),
    ("openat2", FD_PATH, 0, trace_counted::COUNTED_NOTHING),
    ("mknod", PATH, 2, trace_counted::COUNTED_NOTHING),
    ("mknodat", FD_PATH, 3, trace_counted::COUNTED_NOTHING),
    ("truncate", PATH, 2, trace_counted::COUNTED_NOTHING),
    ("setxattr", PATH, 0, trace_counted::COUNTED_NOTHING),
    ("write", FD, 3, trace_counted::COUNTED_NOTHING),
    ("pwrite64", FD, 3, trace_counted::COUNTED_NOTHING),
    ("writev", FD, 3, trace_counted::COUNTED_NOTHING),
    ("pwritev", FD, 3, trace_counted::COUNTED_NOTHING),
    ("pwritev2", FD, 3, trace_counted::COUNTED_NOTHING),
    ("sendfile", FD, 4, trace_counted::COUNTED_NOTHING),
    ("fallocate", FD, 2, trace_counted::COUNTED_NOTHING),
    ("ftruncate", FD, 2, trace_counted::COUNTED_NOTHING),
    ("fsync", FD, 0, trace_counted::COUNTED_NOTHING),
    ("fdatasync", FD, 0, trace_counted::COUNTED_NOTHING),
    ("close", FD, 0, trace_counted::COUNTED_NOTHING),
    ("sendto", FD, 0, trace_counted::COUNTED_NOTHING),
    ("setsockopt", FD, 3, trace_counted::COUNTED_NOTHING),
    ("ioctl", FD, 2, trace_counted::COUNTED_NOTHING),
    ("fcntl", FD, 2, trace_counted::COUNTED_NOTHING),
    ("io_setup", NONE, 1, trace_counted::COUNTED_NOTHING),
    ("bpf", NONE, 1, trace_counted::COUNTED_NOTHING),
    ("seccomp", NONE, 1, trace_counted::COUNTED_NOTHING),
    ("prctl", NONE, 1, trace_counted::COUNTED_NOTHING),
    ("ipc", NONE, 1, trace_counted::COUNTED_NOTHING),
    ("socketcall", NONE, 1, trace_counted::COUNTED_NOTHING),
];

/// Fills in what the BPF programs need to know of the errors in `wanted`.
pub fn set(config: &mut trace_config, wanted: &[Refused]) {
    if wanted.is_empty() {
        return;
    }
    config.any_call = 1;
    let mut errors: Vec<u32> = wanted.iter().map(|one| one.errno.unsigned_abs()).collect();
    errors.sort_unstable();
    errors.dedup();
    errors.truncate(config.errors.len());
    config.errors[..errors.len()].copy_from_slice(&errors);
    fill(&mut config.any_native, native(), wanted, &errors);
    fill(&mut config.any_compat, compat(), wanted, &errors);
}

fn fill(calls: &mut [any_call], names: &Names, wanted: &[Refused], errors: &[u32]) {
    let bit = |one: &Refused| {
        let at = errors
            .iter()
            .position(|error| *error == one.errno.unsigned_abs());
        at.map_or(0, |at| 1 << at)
    };
    for (&number, name) in names {
        let Some(call) = calls.get_mut(usize::from(number)) else {
            continue;
        };
        let is_part = |one: &Refused| match *name {
            "ipc" => IPC.iter().any(|(_, name)| one.call == *name),
            "socketcall" => SOCKETCALL.iter().any(|(_, name)| one.call == *name),
            name => one.call == name,
        };
        let asked = wanted.iter().filter(|one| one.call == ANY || is_part(one));
        call.errors = asked.map(bit).fold(0, |all, bit| all | bit);
        if let Some((_, shape, argument, counted)) = READ.iter().find(|(one, ..)| one == name) {
            call.shape = *shape;
            call.argument = (*argument).into();
            call.counted = *counted;
        }
    }
}

/// Name of the call with this number; `argument` tells what a call that does many things did.
pub fn name(number: u32, is_compat: bool, argument: u64) -> Option<&'static str> {
    let names = if is_compat { compat() } else { native() };
    let name = *names.get(&u16::try_from(number).ok()?)?;
    let parts = match name {
        "ipc" => IPC,
        "socketcall" => SOCKETCALL,
        _ => return Some(name),
    };
    // The upper half of ipc's is a version.
    let part = parts.iter().find(|(part, _)| *part == argument & 0xffff);
    Some(part.map_or(name, |(_, name)| name))
}

type Names = BTreeMap<u16, &'static str>;

fn native() -> &'static Names {
    static NAMES: OnceLock<Names> = OnceLock::new();
    NAMES.get_or_init(|| parse(NATIVE))
}

fn compat() -> &'static Names {
    static NAMES: OnceLock<Names> = OnceLock::new();
    NAMES.get_or_init(|| parse(COMPAT))
}

fn parse(table: &'static str) -> Names {
    let rows = table.lines().filter_map(|line| line.split_once(' '));
    rows.filter_map(|(number, name)| {
        let same = SAME.iter().find(|(one, _)| *one == name);
        Some((number.parse().ok()?, same.map_or(name, |(_, both)| *both)))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn numbers_have_names_by_the_caller_s_width() {
        for (number, is_compat, argument, expected) in [
            (206, false, 0, "io_setup"),
            (206, true, 0, "setgroups32"),
            (245, true, 0, "io_setup"),
            (192, true, 0, "mmap"),
            (117, true, 2, "semget"),
            (117, true, 0x1_000d, "msgget"),
            (117, true, 1, "ipc"),
            (102, true, 3, "connect"),
        ] {
            assert_eq!(
                name(number, is_compat, argument),
                Some(expected),
                "{number}"
            );
        }
        assert_eq!(name(511, false, 0), None);
    }

    #[test]
    fn every_table_is_read_whole() {
        for table in [
            include_str!("calls/x86_64.txt"),
            include_str!("calls/i386.txt"),
            include_str!("calls/arm64.txt"),
        ] {
            let rows = table.lines().filter(|line| !line.starts_with('#'));
            let names = parse(table);
            assert_eq!(names.len(), rows.count());
            assert!(names.keys().all(|number| *number < 512));
        }
        let all = parse(include_str!("calls/x86_64.txt"));
        let known = |name: &str| {
            all.values().any(|one| *one == name) || ["ipc", "socketcall"].contains(&name)
        };
        assert!(READ.iter().all(|(name, ..)| known(name)));
    }

    #[test]
    fn only_what_is_asked_for_is_reported() {
        let mut config = trace_config::default();
        set(
            &mut config,
            &[Refused::of("io_setup", 11), Refused::of(ANY, 24)],
        );
        let errors = |name: &str| {
            let (number, _) = native().iter().find(|(_, one)| **one == name).unwrap();
            config.any_native[usize::from(*number)].errors
        };
        assert_eq!(config.errors[..3], [11, 24, 0]);
        assert_eq!((errors("io_setup"), errors("read")), (3, 2));
        let mut none = trace_config::default();
        set(&mut none, &[]);
        assert_eq!(none.any_call, 0);
    }
}
