//! System V IPC in an IPC namespace with limits of its own or the kernel's, and the keys of a user.

use nospace_core::cause::Cause;
use rustix::io::Errno;

use super::{of_the_machine, sysctl};
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
    let semaphores = |which, exhaust| Row {
        cause: Cause::SysvSemaphores,
        which,
        how: How::Real(exhaust),
    };
    let memory = |which, exhaust| Row {
        cause: Cause::SysvShm,
        which,
        how: How::Real(exhaust),
    };
    let queues = |which, exhaust| Row {
        cause: Cause::SysvMessages,
        which,
        how: How::Real(exhaust),
    };
    let mqueues = |which, exhaust| Row {
        cause: Cause::PosixMqueue,
        which,
        how: How::Real(exhaust),
    };
    let keys = |which, exhaust| Row {
        cause: Cause::Keys,
        which,
        how: How::Real(exhaust),
    };
    vec![
        semaphores("sets, SEMMNI", || {
            ipc(
                &["sysctl ipc kernel/sem 250,32000,32,5"],
                "semaphores 1",
                ("SEMMNI", "sets", 5),
                MORE_SEMAPHORES,
            )
        }),
        semaphores("semaphores, SEMMNS", || {
            ipc(
                &["sysctl ipc kernel/sem 250,100,32,128"],
                "semaphores 50",
                ("SEMMNS", "semaphores", 100),
                MORE_SEMAPHORES,
            )
        }),
        // The kernel's SEMMNS, 1,024,000,000, would take tens of gigabytes.
        semaphores("sets, at the kernel's default", || {
            ipc(
                &[],
                "semaphores 1",
                ("SEMMNI", "sets", SEMMNI),
                MORE_SEMAPHORES,
            )
        }),
        memory("segments, shmmni", || {
            ipc(
                &["sysctl ipc kernel/shmmni 5"],
                "segments 4096",
                ("kernel.shmmni", "segments", 5),
                MORE_MEMORY,
            )
        }),
        memory("pages, shmall", || {
            ipc(
                &["sysctl ipc kernel/shmall 100"],
                "segments 40960",
                ("kernel.shmall", "pages", 100),
                MORE_MEMORY,
            )
        }),
        // The kernel's shmall is no limit: 2^64 bytes less a page or so.
        memory("segments, at the kernel's default", || {
            ipc(
                &[],
                "segments 4096",
                ("kernel.shmmni", "segments", SHMMNI),
                MORE_MEMORY,
            )
        }),
        queues("queues, msgmni", || {
            ipc(
                &["sysctl ipc kernel/msgmni 5"],
                "queues",
                ("kernel.msgmni", "queues", 5),
                MORE_QUEUES,
            )
        }),
        queues("queues, at the kernel's default", || {
            ipc(
                &[],
                "queues",
                ("kernel.msgmni", "queues", MSGMNI),
                MORE_QUEUES,
            )
        }),
        mqueues("bytes, RLIMIT_MSGQUEUE", mqueue_bytes),
        mqueues("queues, queues_max", mqueue_number),
        of_the_machine(
            Cause::Keys,
            "number, of root",
            ("uid 0", "keys", 1_000_000),
            "no process of root's could have a session keyring",
        ),
        keys("number", || {
            let limit = sysctl("/proc/sys/kernel/keys/maxkeys")?;
            user_keys(
                "1899999034",
                1,
                Expected::full("uid 1899999034", "keys", limit),
            )
        }),
        keys("bytes", || {
            let limit = sysctl("/proc/sys/kernel/keys/maxbytes")?;
            let full = Expected::full("uid 1899999035", "bytes", limit);
            // The last bytes are too few for a key with a name.
            let used = limit - 64..=limit;
            user_keys("1899999035", 4000, Expected { used, ..full })
        }),
    ]
}

fn ipc(
    limits: &[&str],
    what: &str,
    (subject, unit, limit): (&str, &'static str, u64),
    victim: &str,
) -> anyhow::Result<Option<Exhausted>> {
    let mut place = Place::new(&["--instances=0"], &["ipc"])?;
    for limit in limits {
        place.tell(limit)?;
    }
    place.exhaust(what, Errno::NOSPC)?;
    Ok(Some(Exhausted {
        place,
        expected: Expected::full(subject, unit, limit),
        victim: Victim::new(victim),
    }))
}

/// Of a user that nobody is.
fn user_keys(uid: &str, bytes: u64, expected: Expected) -> anyhow::Result<Option<Exhausted>> {
    let mut place = Place::new(&[&format!("--uid={uid}"), "--instances=0"], &[])?;
    place.exhaust(&format!("keys {bytes}"), Errno::DQUOT)?;
    Ok(Some(Exhausted {
        place,
        expected,
        victim: None,
    }))
}

/// Of a user that nobody is.
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
    let mut place = Place::new(&["--instances=0"], &["ipc"])?;
    place.tell("sysctl ipc fs/mqueue/queues_max 3")?;
    place.tell("become 1899999038")?;
    place.exhaust("mqueues 64", Errno::NOSPC)?;
    Ok(Some(Exhausted {
        expected: Expected::full(format!("(pid {})", place.pid()?), "queues", 3),
        place,
        victim: None,
    }))
}
