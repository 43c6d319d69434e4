//! What nospace wants to know of a process that holds something.

use nospace_core::model::{INITIAL_USER_NAMESPACE, Process, UserKey, UserNamespace};
use nospace_core::parse::cmdline;
use nospace_core::parse::process::{cgroup, descriptor_limits, stat};
use nospace_core::runtimes;

use super::read;
use crate::host::{Host, ReadError, pressing, proc};

/// Fewer open descriptors are never near a limit that anybody sets.
const FEW: u32 = 64;

/// Soft limit of descriptors of a process that has used most of it. What fails is added to `missed`.
pub fn pressing_limit(
    host: &dyn Host,
    pid: u32,
    open: u32,
    missed: &mut Vec<String>,
) -> Option<u64> {
    if open < FEW {
        return None;
    }
    pressing(open, limits(host, pid, missed)?[0]?)
}

/// Soft and hard limit of descriptors.
fn limits(host: &dyn Host, pid: u32, missed: &mut Vec<String>) -> Option<[Option<u64>; 2]> {
    let path = format!("{pid}/limits");
    unless_missed(read::optional(host, proc(&path), descriptor_limits), missed)
}

/// Describes a process; `None` when it has gone. What fails is added to `missed`.
pub fn describe(
    host: &dyn Host,
    pid: u32,
    uid: u32,
    open: u32,
    limit: Option<u64>,
    missed: &mut Vec<String>,
) -> Option<(Process, Option<UserNamespace>)> {
    let stat = unless_missed(
        read::optional(host, proc(&format!("{pid}/stat")), stat),
        missed,
    )?;
    let namespace = match host.user_namespace(pid) {
        Ok(namespace) => Some(namespace),
        Err(ReadError::Gone) => None,
        Err(error) => {
            missed.push(format!("/proc/PID/ns/user: {error}"));
            None
        }
    };
    let cgroups = unless_missed(
        read::optional(host, proc(&format!("{pid}/cgroup")), cgroup),
        missed,
    );
    let serves = runtimes::monitor(&stat.comm).and_then(|_| served(host, pid));
    let process = Process {
        pid,
        ppid: stat.ppid,
        comm: stat.comm,
        start_ticks: stat.start_ticks,
        user: UserKey {
            // Gone, or out of sight, which is a gap: taken to be the initial one.
            user_namespace: namespace.map_or(INITIAL_USER_NAMESPACE, |namespace| namespace.id),
            uid,
        },
        cgroups: cgroups.unwrap_or_default(),
        descriptors: open,
        descriptor_limit: limit,
        descriptor_hard_limit: limit.and_then(|_| limits(host, pid, missed)?[1]),
        serves,
    };
    Some((process, namespace))
}

/// `None` where there is no such file any more, or it could not be read: then `missed` has one entry more.
fn unless_missed<T>(answer: anyhow::Result<Option<T>>, missed: &mut Vec<String>) -> Option<T> {
    answer.unwrap_or_else(|error| {
        missed.push(format!("{error:#}"));
        None
    })
}

fn served(host: &dyn Host, pid: u32) -> Option<String> {
    let bytes = read::bytes(host, proc(&format!("{pid}/cmdline"))).ok()?;
    cmdline::serves(&bytes)
}
