//! What a single call and a summary say alike.

use nospace_core::amount::thousands;
use nospace_core::cause::Cause;
use nospace_core::model::INITIAL_USER_NAMESPACE;
use nospace_core::report::{Owner, RefusingGuard};

use crate::trace::{CallCount, Counted};
use crate::ui::human;

/// In place of an owner: the process has exited, or is in another pid namespace than nospace.
const UNKNOWN: &str = "owner unknown";

/// The owner in a few words.
#[must_use]
pub fn owner(owner: Option<&Owner>) -> String {
    owner.map_or_else(|| UNKNOWN.to_owned(), human::owner)
}

/// `process-files, or a limit of the device or driver`; `guard (inotify-watches)` where a guard refused.
#[must_use]
pub fn reasons(candidates: &[Cause], otherwise: Option<&str>, by_guard: bool) -> String {
    match (candidates, otherwise) {
        _ if by_guard => format!("guard ({})", causes(candidates)),
        ([], otherwise) => otherwise.unwrap_or_default().to_owned(),
        (_, None) => causes(candidates),
        (_, Some(otherwise)) => format!("{}, or {otherwise}", causes(candidates)),
    }
}

/// `cgroup-limit, disk-space or disk-quota`
#[must_use]
pub fn causes(candidates: &[Cause]) -> String {
    let codes: Vec<&str> = candidates.iter().map(|cause| cause.code()).collect();
    match &codes[..] {
        [first @ .., before, last] => [first, &[&format!("{before} or {last}")]]
            .concat()
            .join(", "),
        _ => codes.concat(),
    }
}

/// `1000 (web)`, `1000` without a name.
pub fn uid(uid: u32, name: Option<&str>) -> String {
    name.map_or_else(|| uid.to_string(), |name| format!("{uid} ({name})"))
}

/// `uid 0 (root)`, `uid 0 in user namespace 4026532200`
pub fn user(count: &CallCount) -> String {
    let named = |number| uid(number, count.user_name.as_deref());
    match (count.uid, count.user_namespace) {
        (Some(uid), None | Some(INITIAL_USER_NAMESPACE)) => format!("uid {}", named(uid)),
        (Some(uid), Some(namespace)) => {
            format!("uid {} in user namespace {namespace}", named(uid))
        }
        (None, _) => match count.of {
            Counted::Mappings | Counted::LockedBytes => "the process".to_owned(),
            Counted::LockedByKernel | Counted::InFlight => "the user".to_owned(),
            _ => "the IPC namespace".to_owned(),
        },
    }
}

/// `; a guard (pid 41) keeps the last 100 for the node, and refused this below the limit`
#[must_use]
pub fn guard(guard: Option<RefusingGuard>) -> String {
    guard.map_or_else(String::new, |one| {
        format!(
            "; a guard (pid {}) keeps the last {} for the node, and refused this below the limit",
            one.pid,
            thousands(one.kept)
        )
    })
}

/// `128/128 instances`
#[must_use]
pub fn usage(count: &CallCount) -> String {
    let of = match count.of {
        Counted::Instances => "instances",
        Counted::Watches => "watches",
        Counted::FanotifyGroups => "fanotify groups",
        Counted::FanotifyMarks => "fanotify marks",
        Counted::Processes => "processes and threads (RLIMIT_NPROC)",
        Counted::QueueBytes => "bytes of POSIX message queues (RLIMIT_MSGQUEUE)",
        Counted::Queues => "POSIX message queues",
        Counted::SemaphoreSets => "semaphore sets",
        Counted::MessageQueues => "message queues",
        Counted::Segments => "shared memory segments",
        Counted::Mappings => "memory mappings",
        Counted::LockedBytes => "bytes locked (RLIMIT_MEMLOCK)",
        Counted::LockedByKernel => "bytes locked by io_uring, perf and AF_XDP (RLIMIT_MEMLOCK)",
        Counted::InFlight => "descriptors in flight (RLIMIT_NOFILE)",
    };
    format!("{}/{} {of}", thousands(count.used), thousands(count.limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_a_list() {
        use Cause::{CgroupLimit, DiskQuota, DiskSpace};
        assert_eq!(causes(&[DiskSpace]), "disk-space");
        assert_eq!(causes(&[DiskSpace, DiskQuota]), "disk-space or disk-quota");
        assert_eq!(
            causes(&[CgroupLimit, DiskSpace, DiskQuota]),
            "cgroup-limit, disk-space or disk-quota"
        );
    }
}
