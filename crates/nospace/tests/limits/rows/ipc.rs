//! System V IPC in an IPC namespace with limits of its own or the kernel's, and the keys of a user.

use nospace_core::cause::Cause;
use rustix::io::Errno;

use super::{of_the_machine, sysctl};
use crate::exhaust::Exhaust;
use crate::explain::Victim;
use crate::place::Place;
use crate::row::{Exhausted, Expected, How, Row};

/// What a new IPC namespace has (include/uapi/linux/sem.h, shm.h and msg.h).
const SEMMNI: u64 = 32_000;
const SHMMNI: u64 = 4_096;
const MSGMNI: u64 = 32_000;
const MORE_SEMAPHORES: &str = "ipcmk --semaphore 1";
const MORE_QUEUES: &str = "ipcmk --queue";
const MORE_MEMORY: &str = "ipcmk --shmem 4096";

pub fn rows() -> Vec<Row> {
    let scenario = |cause, which, name, exhaust| Row {
        cause,
        which,
        how: How::Scenario(name, exhaust),
    };
    let real = |cause, which, exhaust| Row {
        cause,
        which,
        how: How::Real(exhaust),
    };
    vec![
        scenario(
            Cause::SysvSemaphores,
            "sets, SEMMNI",
            "sysv-semaphores",
            || sysv("sysv-semaphores", 5, ("SEMMNI", "sets"), MORE_SEMAPHORES),
        ),
        real(Cause::SysvSemaphores, "semaphores, SEMMNS", || {
            ipc(
                "sysctl ipc kernel/sem 250,100,32,128",
                "semaphores 50",
                ("SEMMNS", "semaphores", 100),
                MORE_SEMAPHORES,
            )
        }),
        // The kernel's SEMMNS, 1,024,000,000, would take tens of gigabytes.
        scenario(
            Cause::SysvSemaphores,
            "sets, at the kernel's default",
            "sysv-semaphores",
            || {
                sysv(
                    "sysv-semaphores",
                    SEMMNI,
                    ("SEMMNI", "sets"),
                    MORE_SEMAPHORES,
                )
            },
        ),
        scenario(Cause::SysvShm, "segments, shmmni", "sysv-shm", || {
            sysv("sysv-shm", 5, ("kernel.shmmni", "segments"), MORE_MEMORY)
        }),
        real(Cause::SysvShm, "pages, shmall", || {
            ipc(
                "sysctl ipc kernel/shmall 100",
                "segments 40960",
                ("kernel.shmall", "pages", 100),
                MORE_MEMORY,
            )
        }),
        real(Cause::SysvShm, "pages of small segments, shmall", || {
            ipc(
                "sysctl ipc kernel/shmall 100",
                "segments 1",
                ("kernel.shmall", "pages", 100),
                MORE_MEMORY,
            )
        }),
        // The kernel's shmall is no limit: 2^64 bytes less a page or so.
        scenario(
            Cause::SysvShm,
            "segments, at the kernel's default",
            "sysv-shm",
            || {
                sysv(
                    "sysv-shm",
                    SHMMNI,
                    ("kernel.shmmni", "segments"),
                    MORE_MEMORY,
                )
            },
        ),
        scenario(
            Cause::SysvMessages,
            "queues, msgmni",
            "sysv-messages",
            || sysv("sysv-messages", 5, ("kernel.msgmni", "queues"), MORE_QUEUES),
        ),
        scenario(
            Cause::SysvMessages,
            "queues, at the kernel's default",
            "sysv-messages",
            || {
                sysv(
                    "sysv-messages",
                    MSGMNI,
                    ("kernel.msgmni", "queues"),
                    MORE_QUEUES,
                )
            },
        ),
        real(Cause::PosixMqueue, "bytes, RLIMIT_MSGQUEUE", mqueue_bytes),
        scenario(
            Cause::PosixMqueue,
            "queues, queues_max",
            "posix-mqueue",
            mqueue_number,
        ),
        of_the_machine(
            Cause::Keys,
            "number, of root",
            ("uid 0", "keys", 1_000_000),
            "no process of root's could have a session keyring",
        ),
        scenario(Cause::Keys, "number", "keys", || {
            let exhaust = Exhaust::start(&["keys"])?;
            let limit = sysctl("/proc/sys/kernel/keys/maxkeys")?;
            let subject = exhaust.subject().to_owned();
            Ok(Some(Exhausted {
                place: Place::of(exhaust, &[]),
                expected: Expected::full(subject, "keys", limit),
                victim: None,
            }))
        }),
        real(Cause::Keys, "bytes", || {
            let limit = sysctl("/proc/sys/kernel/keys/maxbytes")?;
            let full = Expected::full("uid 1899999035", "bytes", limit);
            // The last bytes are too few for a key with a name.
            let used = limit - 64..=limit;
            user_keys("1899999035", 4000, Expected { used, ..full })
        }),
    ]
}

/// As many objects of a System V kind as this.
fn sysv(
    scenario: &str,
    limit: u64,
    (subject, unit): (&str, &'static str),
    victim: &str,
) -> anyhow::Result<Option<Exhausted>> {
    let exhaust = Exhaust::start(&[scenario, "--limit", &limit.to_string()])?;
    Ok(Some(Exhausted {
        place: Place::of(exhaust, &["ipc"]),
        expected: Expected::full(subject, unit, limit),
        victim: Victim::new(victim),
    }))
}

fn ipc(
    limit: &str,
    what: &str,
    (subject, unit, most): (&str, &'static str, u64),
    victim: &str,
) -> anyhow::Result<Option<Exhausted>> {
    let mut place = Place::new(&["--instances=0"], &["ipc"])?;
    place.tell(limit)?;
    place.exhaust(what, Errno::NOSPC)?;
    Ok(Some(Exhausted {
        place,
        expected: Expected::full(subject, unit, most),
        victim: Victim::new(victim),
    }))
}

/// Of an unused uid.
fn user_keys(uid: &str, bytes: u64, expected: Expected) -> anyhow::Result<Option<Exhausted>> {
    let mut place = Place::new(&[&format!("--uid={uid}"), "--instances=0"], &[])?;
    place.exhaust(&format!("keys {bytes}"), Errno::DQUOT)?;
    Ok(Some(Exhausted {
        place,
        expected,
        victim: None,
    }))
}

/// Of an unused uid.
fn mqueue_bytes() -> anyhow::Result<Option<Exhausted>> {
    const LIMIT: u64 = 100_000;
    let mut place = Place::new(&["--uid=1899999036", "--instances=0"], &[])?;
    place.tell(&format!("rlimit msgqueue {LIMIT}"))?;
    place.exhaust("mqueues 1024", Errno::MFILE)?;
    Ok(Some(Exhausted {
        place,
        expected: Expected {
            // What is left is too little for one more queue.
            used: LIMIT - 2_048..=LIMIT,
            ..Expected::full("uid 1899999036", "bytes", LIMIT)
        },
        victim: None,
    }))
}

/// As a user that may not exceed it.
fn mqueue_number() -> anyhow::Result<Option<Exhausted>> {
    let exhaust = Exhaust::start(&["posix-mqueue", "--limit", "3"])?;
    Ok(Some(Exhausted {
        expected: Expected::full(format!("(pid {})", exhaust.pid()), "queues", 3),
        place: Place::of(exhaust, &[]),
        victim: Victim::new("echo 'mq_open failed: No space left on device' >&2"),
    }))
}
