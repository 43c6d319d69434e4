//! What nospace wants to know of a process that holds something.

use nospace_core::model::{INITIAL_USER_NAMESPACE, Process, UserKey, UserNamespace};
use nospace_core::parse::cmdline;
use nospace_core::parse::process::{cgroup, descriptor_limits, stat};
use nospace_core::runtimes;

use super::read;
use crate::host::{Host, pressing, proc};

/// Fewer open descriptors are never near a limit that anybody sets.
const FEW: u32 = 64;

/// Soft limit of descriptors of a process that has used most of it.
pub fn pressing_limit(host: &dyn Host, pid: u32, open: u32) -> Option<u64> {
    if open < FEW {
        return None;
    }
    pressing(open, limits(host, pid)?[0]?)
}

/// Soft and hard limit of descriptors.
fn limits(host: &dyn Host, pid: u32) -> Option<[Option<u64>; 2]> {
    read::parsed(host, proc(&format!("{pid}/limits")), descriptor_limits).ok()
}

/// Describes a process; `None` when it has gone.
pub fn describe(
    host: &dyn Host,
    pid: u32,
    uid: u32,
    open: u32,
    limit: Option<u64>,
) -> Option<(Process, Option<UserNamespace>)> {
    let stat = read::parsed(host, proc(&format!("{pid}/stat")), stat).ok()?;
    let namespace = host.user_namespace(pid).ok();
    let serves = runtimes::monitor(&stat.comm).and_then(|_| served(host, pid));
    let process = Process {
        pid,
        ppid: stat.ppid,
        comm: stat.comm,
        start_ticks: stat.start_ticks,
        user: UserKey {
            // Out of sight (another user's process): taken to be the initial one.
            user_namespace: namespace.map_or(INITIAL_USER_NAMESPACE, |namespace| namespace.id),
            uid,
        },
        cgroups: read::parsed(host, proc(&format!("{pid}/cgroup")), cgroup).unwrap_or_default(),
        descriptors: open,
        descriptor_limit: limit,
        descriptor_hard_limit: limit.and_then(|_| limits(host, pid)?[1]),
        serves,
    };
    Some((process, namespace))
}

fn served(host: &dyn Host, pid: u32) -> Option<String> {
    let bytes = read::bytes(host, proc(&format!("{pid}/cmdline"))).ok()?;
    cmdline::serves(&bytes)
}
