//! Mounts of a mount namespace, and namespaces of each kind in a user namespace with limits of its own.

use nospace_core::cause::Cause;
use rustix::io::Errno;

use super::sysctl;
use crate::explain::Victim;
use crate::place::Place;
use crate::row::{Exhausted, Expected, How, Row};

/// So many namespaces are allowed.
const LIMIT: u64 = 25;

pub fn rows() -> Vec<Row> {
    let kind = |which, exhaust| Row {
        cause: Cause::NamespaceLimit,
        which,
        how: How::Real(exhaust),
    };
    let fanotify = |which, exhaust| Row {
        cause: Cause::Fanotify,
        which,
        how: How::Real(exhaust),
    };
    vec![
        Row {
            cause: Cause::MountLimit,
            which: "",
            how: How::Real(mounts),
        },
        Row {
            cause: Cause::Ptys,
            which: "",
            how: How::Real(ptys),
        },
        fanotify("groups", || {
            fanotify_of("groups", Errno::MFILE, "fanotify_init: Too many open files")
        }),
        fanotify("marks", || {
            fanotify_of(
                "marks",
                Errno::NOSPC,
                "fanotify_mark: No space left on device",
            )
        }),
        kind("cgroup", || namespaces("cgroup")),
        kind("ipc", || namespaces("ipc")),
        kind("mnt", || namespaces("mnt")),
        kind("net", || namespaces("net")),
        kind("pid", || namespaces("pid")),
        kind("user", || namespaces("user")),
        kind("uts", || namespaces("uts")),
        kind("time", || namespaces("time")),
    ]
}

/// Whose devpts holds two, in a mount namespace of its own and outside of /dev.
fn ptys() -> anyhow::Result<Option<Exhausted>> {
    let mut place = Place::new(&["--instances=0"], &["mnt"])?;
    place.run("mount -t devpts -o newinstance,ptmxmode=0666,max=2 nospace-limits /mnt")?;
    place.exhaust("ptys /mnt/ptmx", Errno::NOSPC)?;
    Ok(Some(Exhausted {
        expected: Expected::full("/mnt", "ptys", 2),
        place,
        victim: Victim::new("python3 -c 'open(\"/mnt/ptmx\")'"),
    }))
}

fn mounts() -> anyhow::Result<Option<Exhausted>> {
    let limit = sysctl("/proc/sys/fs/mount-max")?;
    let mut place = Place::new(&["--instances=0"], &["mnt"])?;
    place.run("mount -t tmpfs -o size=1m nospace-limits /mnt")?;
    place.exhaust("mounts /mnt", Errno::NOSPC)?;
    Ok(Some(Exhausted {
        expected: Expected {
            // The kernel counts the root of all, which no process sees.
            used: limit - 1..=limit,
            ..Expected::full(format!("(pid {})", place.pid()?), "mounts", limit)
        },
        place,
        victim: Victim::of_anybody("mount -t tmpfs more /run"),
    }))
}

fn namespaces(kind: &str) -> anyhow::Result<Option<Exhausted>> {
    let container = [
        "--user-namespace=830000",
        "--pid-namespace",
        "--instances=0",
    ];
    let mut place = Place::new(&container, &[])?;
    place.tell(&format!("sysctl user user/max_{kind}_namespaces {LIMIT}"))?;
    place.exhaust(&format!("namespaces {kind}"), Errno::NOSPC)?;
    Ok(Some(Exhausted {
        place,
        expected: Expected {
            // check takes the namespaces of the first process it sees to be the host's, as they are on a node.
            used: LIMIT - 1..=LIMIT,
            ..Expected::full(format!("user.max_{kind}_namespaces"), "namespaces", LIMIT)
        },
        victim: match kind {
            "uts" => Victim::new("unshare --uts true"),
            _ => None,
        },
    }))
}

/// Root of a user namespace that has a limit of its own; nospace sees it from the host.
fn fanotify_of(what: &str, errno: Errno, words: &str) -> anyhow::Result<Option<Exhausted>> {
    const LIMIT: u64 = 5;
    let mut place = Place::new(&["--user-namespace=830000", "--instances=0"], &[])?;
    place.tell(&format!("sysctl user user/max_fanotify_{what} {LIMIT}"))?;
    place.exhaust(&format!("fanotify {what}"), errno)?;
    let namespace = std::fs::read_link(format!("/proc/{}/ns/user", place.pid()?))?;
    let namespace = namespace.to_string_lossy().replace(['[', ']'], "");
    let number = namespace.trim_start_matches("user:").to_owned();
    Ok(Some(Exhausted {
        place,
        expected: Expected::full(format!("of user namespace {number}"), unit(what), LIMIT),
        victim: Victim::of_anybody(format!("echo '{words}' >&2")),
    }))
}

fn unit(what: &str) -> &'static str {
    if what == "groups" { "groups" } else { "marks" }
}
