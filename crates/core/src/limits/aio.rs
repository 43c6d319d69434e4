//! Asynchronous I/O requests of the system: EAGAIN from io_setup(2).

use super::pressure::{self, at_limit, share};
use super::sysctl::LONG_MAX;
use super::{Command, Limit, Refusal, Sysctl, blame, errno::EAGAIN, limit, remedy};
use crate::amount::thousands;
use crate::attribute::View;
use crate::cause::Cause;
use crate::model::Program;
use crate::report::Finding;

const HELD: &str =
    "what each process reserved: estimated from the size of its rings, which are whole pages";

pub const LIMIT: Limit = Limit {
    refusals: &[Refusal::of("io_setup", EAGAIN)],
    // Two `struct io_event` (include/uapi/linux/aio_abi.h) in the ring, which io_setup allocates at once.
    sysctls: &[Sysctl {
        most: LONG_MAX,
        floor: 1 << 20,
        ..Sysctl::int(
            "fs.aio-max-nr",
            "the node",
            "raises how many asynchronous I/O requests all processes together may reserve",
        )
        .costing(64)
    }],
    collector: Some("aio"),
    usage: |snapshot| limit::read(snapshot, Cause::Aio),
    findings,
    commands: &[
        Command::with(
            Program::Sysctl,
            "sysctl fs.aio-nr fs.aio-max-nr",
            "requests reserved by all processes of the machine, and the limit: raise it on the node, 1048576 is common",
        ),
        Command::any(
            "grep -l /.aio. /proc/[0-9]*/maps 2>/dev/null",
            "the processes that reserve them",
        ),
    ],
    ..Limit::in_logs(
        Cause::Aio,
        "The system has run out of asynchronous I/O requests (fs.aio-max-nr)",
        include_str!("../../../../docs/causes/aio.md"),
    )
};

fn findings(view: &View) -> Vec<Finding> {
    pressure::pressed(view, Cause::Aio)
        .map(|(resource, severity)| {
            let title = format!(
                "{} of {} asynchronous I/O requests are reserved ({}, {}): {}io_setup fails with EAGAIN",
                thousands(resource.used),
                thousands(resource.limit),
                resource.subject,
                share(resource),
                at_limit(resource)
            );
            let held = limit::held(view.snapshot, Cause::Aio);
            let mut finding = pressure::finding(
                (resource, severity),
                title,
                remedy::raise_sysctl(view, resource),
            );
            if !held.is_empty() {
                finding.evidence.push(HELD.to_owned());
            }
            Finding {
                blame: blame::of_processes(view, &held, resource.limit, &resource.unit),
                victims: vec![
                    "databases that start: MySQL, MariaDB, ScyllaDB, Oracle; in containers as well".to_owned(),
                ],
                ..finding
            }
        })
        .collect()
}
