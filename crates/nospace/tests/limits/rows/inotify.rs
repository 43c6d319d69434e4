//! inotify: in a user namespace with limits of its own, and as a user of its own at the host's limit.

use nospace_core::cause::Cause;
use rustix::io::Errno;

use super::sysctl;
use crate::exhaust::Exhaust;
use crate::explain::Victim;
use crate::place::Place;
use crate::row::{Exhausted, Expected, How, Row};

/// Does not find the kernel's account, and so counts what /proc shows.
const FROM_PROC: &[&str] = &["--no-ebpf"];

/// A user namespace; and one as a container has it, with a pid namespace and a /proc of its own.
const NAMESPACE: &[&str] = &["--user-namespace=830000", "--instances=0"];
const CONTAINER: &[&str] = &[
    "--user-namespace=830000",
    "--pid-namespace",
    "--instances=0",
];

pub fn rows() -> Vec<Row> {
    let watches = |which, exhaust| Row {
        cause: Cause::InotifyWatches,
        which,
        how: How::Real(exhaust),
    };
    let instances = |which, exhaust| Row {
        cause: Cause::InotifyInstances,
        which,
        how: How::Real(exhaust),
    };
    vec![
        watches("of a user namespace", || watches_of_a_namespace(NAMESPACE)),
        watches("of a container, seen from inside", || {
            watches_of_a_namespace(CONTAINER)
        }),
        instances("of a user namespace", || {
            instances_of_a_namespace(NAMESPACE)
        }),
        instances("of a container, seen from inside", || {
            instances_of_a_namespace(CONTAINER)
        }),
        Row {
            cause: Cause::InotifyInstances,
            which: "of a user",
            how: How::Scenario("instances", instances_of_a_user),
        },
        instances("of a user, from /proc", instances_seen_from_proc),
        Row {
            cause: Cause::InotifyWatches,
            which: "of a user",
            how: How::Scenario("watches", watches_of_a_user),
        },
    ]
}

fn watches_of_a_namespace(arguments: &[&str]) -> anyhow::Result<Option<Exhausted>> {
    let mut place = Place::new(arguments, &[])?;
    place.tell("limit watches 200")?;
    place.exhaust("watches", Errno::NOSPC)?;
    let subject = user_namespace(&place)?;
    Ok(Some(Exhausted {
        place,
        expected: Expected::full(subject, "watches", 200),
        victim: None,
    }))
}

fn instances_of_a_namespace(arguments: &[&str]) -> anyhow::Result<Option<Exhausted>> {
    let mut place = Place::new(arguments, &[])?;
    place.tell("limit instances 20")?;
    place.exhaust("instances", Errno::MFILE)?;
    let subject = user_namespace(&place)?;
    Ok(Some(Exhausted {
        place,
        expected: Expected::full(subject, "instances", 20),
        victim: None,
    }))
}

fn instances_of_a_user() -> anyhow::Result<Option<Exhausted>> {
    let limit = sysctl("/proc/sys/fs/inotify/max_user_instances")?;
    let exhaust = Exhaust::start(&["instances", "--as-uid", "1899999031"])?;
    Ok(Some(Exhausted {
        place: Place::of(exhaust, &[]),
        expected: Expected::full("uid 1899999031", "instances", limit),
        victim: tail("1899999031"),
    }))
}

/// By a process that is this user's: /proc does not tell who made an instance.
fn instances_seen_from_proc() -> anyhow::Result<Option<Exhausted>> {
    let limit = sysctl("/proc/sys/fs/inotify/max_user_instances")?;
    let mut place = Place::new(&["--uid=1899999040", "--instances=0"], &[])?.by(FROM_PROC);
    place.tell(&format!("rlimit nofile {}", limit + 64))?;
    place.exhaust("instances", Errno::MFILE)?;
    Ok(Some(Exhausted {
        place,
        expected: Expected::full("uid 1899999040", "instances", limit),
        victim: tail("1899999040"),
    }))
}

/// Follows a file as this user.
fn tail(uid: &str) -> Option<Victim> {
    Victim::of_anybody(format!(
        "setpriv --reuid={uid} --regid={uid} --clear-groups timeout 1 tail -f /etc/passwd >/dev/null"
    ))
}

fn watches_of_a_user() -> anyhow::Result<Option<Exhausted>> {
    let limit = sysctl("/proc/sys/fs/inotify/max_user_watches")?;
    let exhaust = Exhaust::start(&["watches", "--as-uid", "1899999039"])?;
    Ok(Some(Exhausted {
        place: Place::of(exhaust, &[]),
        expected: Expected::full("uid 1899999039", "watches", limit),
        victim: tail("1899999039"),
    }))
}

/// How a finding names the root of the holder's user namespace.
fn user_namespace(place: &Place) -> anyhow::Result<String> {
    let link = std::fs::read_link(format!("/proc/{}/ns/user", place.pid()?))?;
    let link = link.display().to_string();
    let number = link.trim_start_matches("user:[").trim_end_matches(']');
    Ok(format!("user namespace {number}"))
}
