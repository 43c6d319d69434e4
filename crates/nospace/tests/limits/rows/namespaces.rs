//! Mounts of a mount namespace, and namespaces of each kind in a user namespace with limits of its own.

use anyhow::Context as _;
use nospace_core::cause::Cause;
use rustix::io::Errno;

use super::sysctl;
use crate::exhaust::Exhaust;
use crate::explain::Victim;
use crate::place::Place;
use crate::row::{Exhausted, Expected, How, Row};

/// Number of namespaces that are allowed.
const LIMIT: u64 = 25;

pub fn rows() -> Vec<Row> {
    let kind = |which, exhaust| Row {
        cause: Cause::NamespaceLimit,
        which,
        how: How::Real(exhaust),
    };
    let fanotify = |which, name, exhaust| Row {
        cause: Cause::Fanotify,
        which,
        how: How::Scenario(name, exhaust),
    };
    vec![
        Row {
            cause: Cause::MountLimit,
            which: "",
            how: How::Scenario("mounts", mounts),
        },
        Row {
            cause: Cause::Ptys,
            which: "",
            how: How::Scenario("ptys", ptys),
        },
        fanotify("groups", "fanotify-groups", || {
            fanotify_of("groups", "fanotify_init: Too many open files")
        }),
        fanotify("marks", "fanotify-marks", || {
            fanotify_of("marks", "fanotify_mark: No space left on device")
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

fn ptys() -> anyhow::Result<Option<Exhausted>> {
    let exhaust = Exhaust::start(&["ptys", "--limit", "2"])?;
    let directory = exhaust.subject().to_owned();
    Ok(Some(Exhausted {
        place: Place::of(exhaust, &[]),
        victim: Victim::new(format!("python3 -c 'open(\"{directory}/ptmx\")'")),
        expected: Expected::full(directory, "ptys", 2),
    }))
}

fn mounts() -> anyhow::Result<Option<Exhausted>> {
    let limit = sysctl("/proc/sys/fs/mount-max")?;
    let exhaust = Exhaust::start(&["mounts"])?;
    Ok(Some(Exhausted {
        expected: Expected {
            // The kernel counts the root of all, which no process sees.
            used: limit - 1..=limit,
            ..Expected::full(format!("(pid {})", exhaust.pid()), "mounts", limit)
        },
        place: Place::of(exhaust, &["mnt"]),
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
fn fanotify_of(unit: &'static str, words: &str) -> anyhow::Result<Option<Exhausted>> {
    const LIMIT: u64 = 5;
    let exhaust = Exhaust::start(&[&format!("fanotify-{unit}"), "--limit", "5"])?;
    let namespace = exhaust.subject().split(" (pid").next();
    let namespace = namespace.context("no subject")?.to_owned();
    Ok(Some(Exhausted {
        place: Place::of(exhaust, &[]),
        expected: Expected::full(format!("of {namespace}"), unit, LIMIT),
        victim: Victim::of_anybody(format!("echo '{words}' >&2")),
    }))
}
