//! The table. Each limit stands in it, with what is known not to work and why something cannot be tried here.

mod cgroups;
mod disks;
mod inotify;
mod ipc;
mod logs;
mod namespaces;
mod networks;
mod processes;

use nospace_core::cause::Cause;

use crate::row::{How, Row};

/// Every row.
pub fn table() -> Vec<Row> {
    [
        inotify::rows(),
        cgroups::rows(),
        namespaces::rows(),
        networks::rows(),
        disks::rows(),
        processes::rows(),
        ipc::rows(),
        logs::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A number that the kernel shows.
fn sysctl(path: &str) -> anyhow::Result<u64> {
    Ok(std::fs::read_to_string(path)?.trim().parse()?)
}

/// A limit of the whole machine, used up in a recording.
fn of_the_machine(
    cause: Cause,
    which: &'static str,
    (subject, unit, limit): (&'static str, &'static str, u64),
    why: &'static str,
) -> Row {
    let how = How::Recorded {
        node: "host-limits-v2",
        subject,
        unit,
        used: limit,
        limit,
        why,
    };
    Row { cause, which, how }
}

/// A limit of a whole machine that was used up for real in a guest (tests/vm/machine-limits.sh).
fn of_a_guest(
    cause: Cause,
    (subject, unit, used, limit): (&'static str, &'static str, u64, u64),
    why: &'static str,
) -> Row {
    let how = How::Recorded {
        node: "machine-limits-v2",
        subject,
        unit,
        used,
        limit,
        why,
    };
    let which = "";
    Row { cause, which, how }
}
