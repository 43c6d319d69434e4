//! Memory mappings of a process: ENOMEM from mmap(2), mprotect(2), munmap(2).

use super::pressure::{self, at_limit, share};
use super::{Command, Dependency, Limit, Refusal, Sysctl, describe, errno::ENOMEM, near, remedy};
use crate::amount::thousands;
use crate::attribute::View;
use crate::cause::Cause;
use crate::model::{NearKind, Snapshot};
use crate::report::{Blame, Culprit, Finding, Subject};

const KEY: &str = "vm.max_map_count";

pub const LIMIT: Limit = Limit {
    refusals: &[
        Refusal::of("mmap", ENOMEM),
        Refusal::of("mprotect", ENOMEM),
        Refusal::of("munmap", ENOMEM),
        Refusal::of("mremap", ENOMEM),
    ],
    // `struct vm_area_struct` and its part of the maple tree; applied to each process.
    sysctls: &[Sysctl {
        floor: 262_144,
        ..Sysctl::int(
            KEY,
            "each process",
            "raises how many mappings each process may have",
        )
        .costing(256)
    }],
    collector: Some("mappings"),
    depends: &[Dependency::Processes],
    usage: |snapshot: &Snapshot| {
        near::of_processes(snapshot, NearKind::Mappings, Cause::MaxMapCount, "mappings")
    },
    sysctl_of: |_| Some(KEY),
    findings,
    commands: &[
        Command::any(
            "wc -l /proc/[0-9]*/maps 2>/dev/null | sort -n | tail -4",
            "mappings of the processes that have most; the limit is one for each process",
        ),
        Command::any(
            "cat /proc/sys/vm/max_map_count",
            "raise it on the node, not in the container: 262144 is what Elasticsearch asks for",
        ),
    ],
    ..Limit::in_logs(
        Cause::MaxMapCount,
        "A process has run out of memory mappings (vm.max_map_count); the memory is not used up",
        include_str!("../../../../docs/causes/max-map-count.md"),
    )
};

fn findings(view: &View) -> Vec<Finding> {
    pressure::pressed(view, Cause::MaxMapCount)
        .map(|(resource, severity)| {
            let pid = match resource.subject {
                Subject::Process { pid, .. } => Some(pid),
                _ => None,
            };
            let name = pid.map_or_else(
                || resource.subject.to_string(),
                |pid| describe::process(view, pid),
            );
            let title = format!(
                "{name} has {} of {} mappings ({KEY}, {}): {}mmap fails with \"cannot allocate memory\"",
                thousands(resource.used),
                thousands(resource.limit),
                share(resource),
                at_limit(resource)
            );
            let part = pid.map(|pid| view.part(pid));
            Finding {
                blame: part.map_or(Blame::Unknown, |part| {
                    let culprit = Culprit::named(describe::part(view, &part));
                    Blame::only(culprit, describe::pod(&part))
                }),
                victims: vec![format!(
                    "{name} itself: mmap, mprotect, munmap and new threads fail with ENOMEM"
                )],
                ..pressure::finding(
                    (resource, severity),
                    title,
                    remedy::raise_sysctl(view, resource),
                )
            }
        })
        .collect()
}
