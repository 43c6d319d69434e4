//! `--any-call`: which failures are asked for, and what each means.

use std::sync::OnceLock;

use nospace_bpf::trace::{ANY, Count, Counted, Event, Refused};
use nospace_core::cause::Cause;
use nospace_core::limits::{LIMITS, errno};

use super::verdict::Verdict;

/// Errors that speak for a limit whatever the call.
const OF_ANY: [i32; 5] = [
    errno::ENOSPC,
    errno::EMFILE,
    errno::ENFILE,
    errno::EDQUOT,
    errno::ETOOMANYREFS,
];

/// Refusals by limits that have no cause code, and what was used up.
const WITHOUT_CODE: [(&str, i32, &str); 5] = [
    ("timer_create", errno::EAGAIN, SIGNALS),
    ("rt_sigqueueinfo", errno::EAGAIN, SIGNALS),
    (
        "seccomp",
        errno::ENOMEM,
        "the filters of a process have 32,768 instructions at most",
    ),
    (
        "setsockopt",
        errno::ENOBUFS,
        "net.ipv4.igmp_max_memberships, or net.core.optmem_max",
    ),
    (
        "perf_event_open",
        errno::ENOSPC,
        "the processor's hardware breakpoints",
    ),
];
const SIGNALS: &str = "signals queued for the user (RLIMIT_SIGPENDING)";

/// Calls that take two descriptors, or one above a number: they are refused with one or more free.
const NEED_MORE_FILES: [&str; 4] = ["pipe", "pipe2", "socketpair", "fcntl"];

const MAP_ANONYMOUS: u64 = 0x20;
const MAP_HUGETLB: u64 = 0x40000;

/// mremap(2) wants room for more mappings than it makes: it is refused this far below the limit.
const SPARE_MAPPINGS: u64 = 6;

/// Commands of bpf(2) (include/uapi/linux/bpf.h).
const BPF_MAP_UPDATE: [u64; 2] = [2, 26];
const BPF_PROG_LOAD: u64 = 5;
const BPF_BTF_LOAD: u64 = 18;
/// They fill a buffer of the caller's: object info, programs of a hook, the file of a program, a batch of a map's entries.
const BPF_INTO_BUFFER: [u64; 5] = [15, 16, 20, 24, 25];
const BPF_ATTACH: [u64; 2] = [8, 28];

/// All failures that are reported: those of the limits, and [`OF_ANY`].
pub fn wanted() -> &'static [Refused] {
    static WANTED: OnceLock<Vec<Refused>> = OnceLock::new();
    WANTED.get_or_init(|| {
        let of_limits = LIMITS.iter().flat_map(|limit| limit.refusals);
        let of_limits = of_limits.map(|one| Refused::of(one.call.unwrap_or(ANY), one.errno));
        let without = WITHOUT_CODE.map(|(call, errno, _)| Refused::of(call, errno));
        let of_any = OF_ANY.map(|errno| Refused::of(ANY, errno));
        of_limits.chain(without).chain(of_any).collect()
    })
}

/// What the call `name` was refused for; `known` are the limits that refuse it so.
pub fn verdict(
    event: &Event,
    name: &str,
    errno: i32,
    known: Vec<Cause>,
    max_mappings: Option<u64>,
) -> Verdict {
    let of = &event.situation;
    match (name, errno) {
        ("fanotify_init", errno::EMFILE) => match event.count {
            Some(groups) if groups.used >= groups.limit => Verdict::of([Cause::Fanotify]),
            Some(_) if of.files_full => Verdict::of([Cause::ProcessFiles]),
            // Something was closed, or a limit raised, since the call failed.
            Some(_) => Verdict::of(known),
            None if of.files_full => Verdict::of(known),
            None => Verdict::of([Cause::Fanotify]),
        },
        // It takes a descriptor before it makes the queue.
        ("mq_open", errno::EMFILE) if of.files_full => Verdict::of([Cause::ProcessFiles]),
        ("mq_open", errno::EMFILE) => Verdict::of([Cause::PosixMqueue]),
        ("mmap" | "mremap" | "mprotect" | "munmap", errno::ENOMEM) => {
            mappings(event, name, max_mappings, known)
        }
        ("mmap", errno::EAGAIN) => by_mmap(event, known),
        ("mremap" | "mlockall", _) if of.exempt => Verdict::default(),
        ("mlock" | "mlock2", errno::ENOMEM) => locked(event),
        ("io_uring_setup" | "io_uring_register", errno::ENOMEM) => by_io_uring(event, name, known),
        ("sendmsg" | "sendmmsg", errno::ETOOMANYREFS) => match event.count {
            Some(sent) if sent.used > sent.limit && !of.exempt => Verdict::of(known),
            Some(_) => Verdict::only("Unix sockets sent over each other, four deep"),
            None => Verdict::of(known).or("Unix sockets sent over each other, four deep"),
        },
        ("connect", errno::EADDRNOTAVAIL) if of.bound => Verdict::only(
            "the local port that the socket is bound to is in use for this destination",
        ),
        ("connect", errno::EADDRNOTAVAIL) if !of.ipv4 => {
            Verdict::of(known).or("the machine has no address to reach that one from")
        }
        ("connect" | "sendto" | "sendmsg", errno::ENOBUFS) => {
            Verdict::of(known).or("a full queue of the socket or the network device")
        }
        ("shmget", errno::ENOMEM) => Verdict::of(known).or("memory"),
        ("pipe" | "pipe2", errno::ENFILE) => Verdict::of(known)
            .or("the pages that the user's pipes may have (fs.pipe-user-pages-hard)"),
        ("setxattr" | "fsetxattr", errno::ENOSPC) if !known.is_empty() => {
            Verdict::of(known).or("the room that the file system has for one file's attributes")
        }
        ("bpf", _) => bpf(event.argument, errno, known),
        (_, errno::EMFILE) if !of.files_full && !NEED_MORE_FILES.contains(&name) => {
            Verdict::of(known).or("a limit of the device or driver")
        }
        _ => {
            let rows = &mut WITHOUT_CODE.iter();
            match rows.find(|row| (row.0, row.1) == (name, errno)) {
                Some((.., what)) => Verdict::only(what),
                None => Verdict::of(known),
            }
        }
    }
}

/// ENOMEM by the number of mappings, of huge pages, or for another reason.
fn mappings(event: &Event, name: &str, most: Option<u64>, known: Vec<Cause>) -> Verdict {
    let flags = if name == "mmap" {
        event.argument
    } else {
        MAP_ANONYMOUS
    };
    let otherwise = match name {
        "mprotect" => "a part of the range is not mapped, or memory",
        _ if flags & MAP_ANONYMOUS == 0 => {
            "memory, RLIMIT_AS, RLIMIT_DATA, the driver of a device, or huge pages if the file is on hugetlbfs"
        }
        _ => "memory, RLIMIT_AS or RLIMIT_DATA",
    };
    let count = event.count.filter(|count| count.of == Counted::Mappings);
    match count.zip(most) {
        Some((count, most)) if count.used >= most => Verdict::of([Cause::MaxMapCount]),
        Some((count, most)) if name == "mremap" && count.used + SPARE_MAPPINGS >= most => {
            Verdict::of([Cause::MaxMapCount]).or(otherwise)
        }
        Some(_) if flags & MAP_HUGETLB != 0 && event.situation.unlimited_memory => {
            Verdict::of([Cause::Hugepages])
        }
        Some(_) if flags & MAP_HUGETLB != 0 => {
            Verdict::of([Cause::Hugepages]).or("RLIMIT_AS or RLIMIT_DATA")
        }
        Some(_) => Verdict::only(otherwise),
        None => Verdict::of(known).or(otherwise),
    }
}

/// EAGAIN of mmap(2): memory that would be locked, or what a driver answers of its own.
fn by_mmap(event: &Event, known: Vec<Cause>) -> Verdict {
    const OTHERWISE: &str = "the driver of the device that is mapped";
    let unlimited = event.count.is_some_and(|count| count.limit == u64::MAX);
    match event.argument & MAP_ANONYMOUS {
        0 if event.situation.exempt || unlimited => Verdict::only(OTHERWISE),
        0 => Verdict::of(known).or(OTHERWISE),
        _ if event.situation.exempt => Verdict::default(),
        _ => Verdict::of(known),
    }
}

/// ENOMEM of mlock(2), which also says that a part is not mapped.
fn locked(event: &Event) -> Verdict {
    const OTHERWISE: &str =
        "a part of the range is not mapped, or the process has too many mappings";
    let page = rustix::param::page_size() as u64;
    match event.count {
        _ if event.situation.exempt => Verdict::only(OTHERWISE),
        Some(Count { used, limit, .. }) if !has_room(used, event.argument, limit, page) => {
            Verdict::of([Cause::Memlock])
        }
        Some(_) => Verdict::only(OTHERWISE),
        None => Verdict::of([Cause::Memlock]).or(OTHERWISE),
    }
}

/// Whether `asked` more bytes can be locked: the kernel compares whole pages, and rounds the limit down (`do_mlock`, mm/mlock.c).
fn has_room(used: u64, asked: u64, limit: u64, page: u64) -> bool {
    used.div_ceil(page).saturating_add(asked.div_ceil(page)) <= limit / page
}

/// ENOMEM of io_uring, certain if the queues alone are more than is left: 64 bytes an entry, and 16 for each of two completions.
fn by_io_uring(event: &Event, name: &str, known: Vec<Cause>) -> Verdict {
    let entries = if name == "io_uring_setup" {
        event.argument
    } else {
        0
    };
    let asked = entries.saturating_mul(64 + 2 * 16);
    match event.count {
        _ if event.situation.exempt => Verdict::only("memory"),
        Some(count) if count.used.saturating_add(asked) > count.limit => Verdict::of(known),
        _ => Verdict::of(known).or("memory"),
    }
}

/// By the command. A kernel also answers E2BIG to what it is too old to know.
fn bpf(command: u64, errno: i32, known: Vec<Cause>) -> Verdict {
    const TOO_OLD: &str = "an attribute that this kernel does not know";
    match (command, errno) {
        (BPF_PROG_LOAD | BPF_BTF_LOAD, errno::ENOSPC) => Verdict::of([Cause::BpfLog]),
        (BPF_PROG_LOAD, errno::E2BIG) => Verdict::only("the length of the program"),
        (_, errno::ENOSPC) if BPF_INTO_BUFFER.contains(&command) => {
            Verdict::only("the size of the caller's buffer")
        }
        _ if BPF_MAP_UPDATE.contains(&command) => Verdict::of([Cause::BpfMap]),
        (_, errno::E2BIG) if BPF_ATTACH.contains(&command) => {
            Verdict::of([Cause::BpfPrograms]).or(TOO_OLD)
        }
        _ if BPF_ATTACH.contains(&command) => Verdict::of([Cause::BpfPrograms]),
        (_, errno::E2BIG) => Verdict::only(TOO_OLD),
        _ => Verdict::of(known),
    }
}

#[cfg(test)]
mod tests {
    use nospace_bpf::trace::{Call, Situation};

    use super::*;
    use crate::trace::cause;
    use crate::trace::filter::tests::event;
    use crate::trace::owners::Site;

    fn refused(call: &'static str, errno: i32, count: Option<(Counted, u64, u64)>) -> Event {
        Event {
            count: count.map(|(of, used, limit)| Count {
                of,
                key: None,
                used,
                limit,
            }),
            fd: Some(3),
            ..event(Call::Other(call), -i64::from(errno))
        }
    }

    fn judged(event: &Event) -> (Vec<Cause>, bool) {
        let verdict = cause::verdict(event, Site::default(), Some(65_530));
        (verdict.candidates, verdict.otherwise.is_none())
    }

    #[test]
    fn the_count_decides_where_an_error_has_several_reasons() {
        use Counted::{FanotifyGroups, InFlight, LockedByKernel, LockedBytes, Mappings};
        let check = |call, errno, count, argument, cause: Option<Cause>| {
            let mut event = refused(call, errno, Some(count));
            event.argument = argument;
            event.situation.unlimited_memory = true;
            // Certain, or no limit of nospace's.
            let expected = (Vec::from_iter(cause), cause.is_some());
            assert_eq!(judged(&event), expected, "{call} {count:?}");
            event.situation.exempt = true;
            let exempt = judged(&event);
            assert!(
                !["mlock", "io_uring_setup", "sendmsg"].contains(&call) || exempt.0.is_empty(),
                "{call}: {exempt:?}"
            );
        };
        let groups = |used| (FanotifyGroups, used, 3);
        check("fanotify_init", 24, groups(3), 0, Some(Cause::Fanotify));
        let many = (Mappings, 65_531, 0);
        check("mmap", 12, many, 0, Some(Cause::MaxMapCount));
        let few = (Mappings, 100, 0);
        check("mmap", 12, few, 0x40022, Some(Cause::Hugepages));
        check("mmap", 12, few, 0x22, None);
        let locked = (LockedBytes, 4096, 65_536);
        check("mlock", 12, locked, 61_441, Some(Cause::Memlock));
        check("mlock", 12, locked, 61_440, None);
        check("mmap", 11, locked, MAP_ANONYMOUS, Some(Cause::Memlock));
        check("mmap", 11, (LockedBytes, 0, u64::MAX), 0x1, None);
        let ring = (LockedByKernel, 0, 4096);
        check("io_uring_setup", 12, ring, 256, Some(Cause::Memlock));
        check(
            "sendmsg",
            109,
            (InFlight, 65, 64),
            0,
            Some(Cause::UnixInFlight),
        );
        check("sendmsg", 109, (InFlight, 5, 64), 0, None);
    }

    #[test]
    fn whole_pages_are_locked() {
        // `ulimit -l 100` is 25 pages of 4 KiB, and one of 64 KiB.
        assert!(has_room(0, 70_000, 102_400, 4096));
        assert!(!has_room(0, 70_000, 102_400, 65_536));
        assert!(has_room(0, 65_536, 102_400, 65_536));
        assert!(!has_room(65_536, 1, 102_400, 65_536));
    }

    #[test]
    fn the_caller_s_descriptors_and_socket_decide() {
        let with = |call, errno, situation| {
            judged(&Event {
                situation,
                ..refused(call, errno, None)
            })
        };
        let none = Situation::default();
        let full = Situation {
            files_full: true,
            ..none
        };
        let fanotify = |situation| {
            let count = Some((Counted::FanotifyGroups, 2, 3));
            let event = refused("fanotify_init", 24, count);
            judged(&Event { situation, ..event }).0
        };
        assert_eq!(fanotify(full), [Cause::ProcessFiles]);
        let either = fanotify(none);
        assert!(either.contains(&Cause::ProcessFiles) && either.contains(&Cause::Fanotify));
        assert_eq!(with("mq_open", 24, full), (vec![Cause::ProcessFiles], true));
        assert_eq!(with("mq_open", 24, none), (vec![Cause::PosixMqueue], true));
        assert_eq!(with("openat", 24, full), (vec![Cause::ProcessFiles], true));
        assert_eq!(with("openat", 24, none), (vec![Cause::ProcessFiles], false));
        assert_eq!(with("pipe2", 24, none), (vec![Cause::ProcessFiles], true));
        let bound = Situation {
            bound: true,
            ..none
        };
        assert_eq!(with("connect", 99, bound), (Vec::new(), false));
        let ipv4 = Situation { ipv4: true, ..none };
        assert_eq!(
            with("connect", 99, ipv4),
            (vec![Cause::EphemeralPorts], true)
        );
        assert_eq!(with("timer_create", 11, none), (Vec::new(), false));
    }

    #[test]
    fn what_nothing_decides_is_not_certain() {
        for (call, errno, cause) in [
            ("sendto", errno::ENOBUFS, Cause::NeighborTable),
            ("shmget", errno::ENOMEM, Cause::Hugepages),
            ("pipe2", errno::ENFILE, Cause::SystemFiles),
            ("connect", errno::EADDRNOTAVAIL, Cause::EphemeralPorts),
        ] {
            let event = refused(call, errno, None);
            assert_eq!(judged(&event), (vec![cause], false), "{call}");
        }
        let mut ring = refused(
            "io_uring_setup",
            errno::ENOMEM,
            Some((Counted::LockedByKernel, 0, 4096)),
        );
        ring.argument = 1;
        assert_eq!(judged(&ring), (vec![Cause::Memlock], false));
        let locked = (Counted::LockedBytes, 0, 65_536);
        let device = refused("mmap", errno::EAGAIN, Some(locked));
        assert_eq!(judged(&device), (vec![Cause::Memlock], false));
        let near = (Counted::Mappings, 65_527, 0);
        let mremap = refused("mremap", errno::ENOMEM, Some(near));
        assert_eq!(judged(&mremap), (vec![Cause::MaxMapCount], false));
        let mut huge = refused("mmap", errno::ENOMEM, Some((Counted::Mappings, 100, 0)));
        huge.argument = MAP_HUGETLB | MAP_ANONYMOUS;
        assert_eq!(judged(&huge), (vec![Cause::Hugepages], false));
    }

    #[test]
    fn the_command_of_bpf_decides() {
        let by = |command, errno| {
            let mut event = refused("bpf", errno, None);
            event.argument = command;
            judged(&event)
        };
        assert_eq!(by(5, errno::ENOSPC), (vec![Cause::BpfLog], true));
        assert_eq!(by(2, errno::E2BIG), (vec![Cause::BpfMap], true));
        assert_eq!(by(28, errno::E2BIG), (vec![Cause::BpfPrograms], false));
        assert_eq!(by(16, errno::ENOSPC), (Vec::new(), false));
        assert_eq!(by(0, errno::E2BIG), (Vec::new(), false));
    }

    #[test]
    fn every_refusal_of_a_limit_is_asked_for() {
        let wanted = wanted();
        let mut errors: Vec<i32> = wanted.iter().map(|one| one.errno).collect();
        errors.sort_unstable();
        errors.dedup();
        assert!(
            errors.len() <= 16,
            "{errors:?} do not fit into the programs' table"
        );
        assert!(wanted.contains(&Refused::of("io_setup", errno::EAGAIN)));
        assert!(!wanted.contains(&Refused::of(ANY, errno::EAGAIN)));
    }
}
