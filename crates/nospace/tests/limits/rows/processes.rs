//! Open files, processes and threads, epoll watches.

use std::fs;

use nospace_core::cause::Cause;
use rustix::io::Errno;

use super::{of_a_guest, of_the_machine, sysctl};
use crate::exhaust::Exhaust;
use crate::explain::Victim;
use crate::place::Place;
use crate::row::{Exhausted, Expected, How, Row};

pub fn rows() -> Vec<Row> {
    vec![
        of_the_machine(
            Cause::SystemFiles,
            "",
            ("fs.file-max", "files", 500_000),
            "no other process of the machine could open a file",
        ),
        of_the_machine(
            Cause::Aio,
            "",
            ("fs.aio-max-nr", "requests", 65_536),
            "no other process of the machine could reserve one",
        ),
        of_the_machine(
            Cause::Pids,
            "kernel.pid_max",
            ("kernel.pid_max", "threads", 23_410),
            "no other process of the machine could fork",
        ),
        of_the_machine(
            Cause::Pids,
            "kernel.threads-max",
            ("kernel.threads-max", "threads", 23_410),
            "no other process of the machine could fork",
        ),
        Row {
            cause: Cause::Aio,
            which: "all but 4 %",
            how: How::Scenario("aio", requests),
        },
        Row {
            cause: Cause::EpollWatches,
            which: "",
            how: How::Scenario("epoll-watches", epoll),
        },
        of_a_guest(
            Cause::Hugepages,
            ("2 MiB huge pages", "pages", 8, 8),
            "the machine has one pool, and its memory is needed",
        ),
        of_a_guest(
            Cause::BpfJit,
            ("net.core.bpf_jit_limit", "bytes", 2_101_248, 2_101_248),
            "no program of the machine could load a seccomp filter",
        ),
        Row {
            cause: Cause::ProcessFiles,
            which: "",
            how: How::Real(|| files(&[])),
        },
        Row {
            cause: Cause::ProcessFiles,
            which: "from /proc",
            how: How::Real(|| files(&["--no-ebpf"])),
        },
        Row {
            cause: Cause::Pids,
            which: "kernel.pid_max of a pid namespace",
            how: How::Real(pid_namespace),
        },
        Row {
            cause: Cause::Pids,
            which: "RLIMIT_NPROC of a user",
            how: How::Real(processes_of_a_user),
        },
        Row {
            cause: Cause::MaxMapCount,
            which: "",
            how: How::Scenario("max-map-count", mappings),
        },
        Row {
            cause: Cause::Memlock,
            which: "of a process",
            how: How::Real(locked_memory),
        },
    ]
}

fn files(ways: &'static [&'static str]) -> anyhow::Result<Option<Exhausted>> {
    let mut place = Place::new(&["--instances=0"], &[])?.by(ways);
    place.tell("rlimit nofile 150")?;
    place.exhaust("files", Errno::MFILE)?;
    let pid = place.pid()?;
    // The process that started the test may have left a descriptor beyond the limit.
    let open = fs::read_dir(format!("/proc/{pid}/fd"))?.count() as u64;
    Ok(Some(Exhausted {
        expected: Expected {
            used: open..=open,
            ..Expected::full(format!("(pid {pid})"), "files", 150)
        },
        place,
        victim: Victim::of_its_own("ulimit -n 3; : </dev/null"),
    }))
}

fn pid_namespace() -> anyhow::Result<Option<Exhausted>> {
    let mut place = Place::new(&["--pid-namespace", "--instances=0"], &[])?.seen_from_host();
    if fs::read_to_string("/proc/sys/kernel/osrelease")?.as_str() < "6.14" {
        eprintln!("skipped: pid_max is the whole machine's before Linux 6.14");
        return Ok(None);
    }
    place.tell("sysctl pid kernel/pid_max 400")?;
    place.exhaust("processes", Errno::AGAIN)?;
    Ok(Some(Exhausted {
        expected: Expected {
            // The kernel keeps some numbers back once it has used them all.
            used: 390..=400,
            ..Expected::full(format!("(pid {})", lowest(place.pid()?)?), "threads", 400)
        },
        place,
        victim: None,
    }))
}

/// The lowest pid in the pid namespace of a process.
fn lowest(pid: u32) -> anyhow::Result<u32> {
    let namespace = |pid: u32| fs::read_link(format!("/proc/{pid}/ns/pid"));
    let own = namespace(pid)?;
    let names =
        fs::read_dir("/proc")?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let pids = names.filter_map(|name| name.parse().ok());
    let lowest = pids
        .filter(|pid| namespace(*pid).is_ok_and(|one| one == own))
        .min();
    Ok(lowest.unwrap_or(pid))
}

fn processes_of_a_user() -> anyhow::Result<Option<Exhausted>> {
    let mut place = Place::new(&["--uid=1899999033", "--instances=0"], &[])?;
    place.tell("rlimit nproc 30")?;
    place.exhaust("processes", Errno::AGAIN)?;
    Ok(Some(Exhausted {
        place,
        expected: Expected::full("uid 1899999033", "threads", 30),
        victim: None,
    }))
}

/// In a process of its own, whose limit is the host's.
fn mappings() -> anyhow::Result<Option<Exhausted>> {
    let limit = sysctl("/proc/sys/vm/max_map_count")?;
    let exhaust = Exhaust::start(&["max-map-count"])?;
    let subject = exhaust.subject().replace("process ", "(pid ") + ")";
    Ok(Some(Exhausted {
        expected: Expected {
            used: limit - 1..=limit + 1,
            ..Expected::full(subject, "mappings", limit)
        },
        place: Place::of(exhaust, &[]),
        victim: None,
    }))
}

/// Of the whole machine, with some left for the others.
fn requests() -> anyhow::Result<Option<Exhausted>> {
    let limit = sysctl("/proc/sys/fs/aio-max-nr")?;
    let exhaust = Exhaust::start(&["aio"])?;
    Ok(Some(Exhausted {
        expected: Expected {
            used: limit - limit.div_ceil(25)..=limit,
            ..Expected::full("fs.aio-max-nr", "requests", limit)
        },
        place: Place::of(exhaust, &[]),
        victim: Victim::new("echo 'InnoDB: io_setup() failed with EAGAIN after 5 attempts.' >&2"),
    }))
}

/// A gigabyte on a machine of 25, for some seconds.
fn epoll() -> anyhow::Result<Option<Exhausted>> {
    let limit = sysctl("/proc/sys/fs/epoll/max_user_watches")?;
    let exhaust = Exhaust::start(&["epoll-watches"])?;
    // Each CPU counts some for itself before it adds them to the sum.
    let unseen = 64 * std::thread::available_parallelism()?.get() as u64;
    Ok(Some(Exhausted {
        expected: Expected {
            used: limit - unseen..=limit,
            ..Expected::full(exhaust.subject(), "watches", limit)
        },
        place: Place::of(exhaust, &[]),
        victim: Victim::of_anybody(
            "echo 'epoll_ctl(1, 10) failed (28: No space left on device)' >&2",
        ),
    }))
}

fn locked_memory() -> anyhow::Result<Option<Exhausted>> {
    const LIMIT: u64 = 64 << 10;
    let mut place = Place::new(&["--uid=1899999037", "--instances=0"], &[])?;
    place.tell(&format!("rlimit memlock {LIMIT}"))?;
    place.exhaust("locked 4096", Errno::NOMEM)?;
    Ok(Some(Exhausted {
        expected: Expected::full(format!("(pid {})", place.pid()?), "bytes", LIMIT),
        place,
        victim: None,
    }))
}
