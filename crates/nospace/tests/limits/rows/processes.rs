//! Open files, processes and threads, epoll watches.

use std::fs;

use nospace_core::cause::Cause;
use rustix::io::Errno;

use super::{of_a_guest, of_the_machine};
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
        of_the_machine(
            Cause::EpollWatches,
            "",
            ("uid 100", "watches", 667_046),
            "fs.epoll.max_user_watches is the host's and in the millions: a gigabyte, and a minute for every look at them",
        ),
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
            how: How::KnownFailure {
                exhaust: pid_namespace,
                why: "Linux 6.14 and later have a pid_max for each pid namespace; check holds it against the threads of the whole machine",
            },
        },
        Row {
            cause: Cause::Pids,
            which: "RLIMIT_NPROC of a user",
            how: How::KnownFailure {
                exhaust: processes_of_a_user,
                why: "check does not read the kernel's count of a user's processes, nor anybody's RLIMIT_NPROC",
            },
        },
    ]
}

fn files(ways: &'static [&'static str]) -> anyhow::Result<Option<Exhausted>> {
    let mut place = Place::new(&["--instances=0"], &[])?.by(ways);
    place.tell("rlimit nofile 150")?;
    place.exhaust("files", Errno::MFILE)?;
    let pid = place.pid()?;
    // Whoever started the test may have left a descriptor beyond the limit.
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
    let mut place = Place::new(&["--pid-namespace", "--instances=0"], &[])?;
    if fs::read_to_string("/proc/sys/kernel/osrelease")?.as_str() < "6.14" {
        eprintln!("skipped: pid_max is the whole machine's before Linux 6.14");
        return Ok(None);
    }
    place.tell("sysctl pid kernel/pid_max 400")?;
    place.exhaust("processes", Errno::AGAIN)?;
    Ok(Some(Exhausted {
        place,
        expected: Expected::full("kernel.pid_max", "threads", 400),
        victim: None,
    }))
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
