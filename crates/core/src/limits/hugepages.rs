//! Huge pages: ENOMEM from mmap(2), SIGBUS.

use super::pressure::{self, share};
use super::remedy::remedy;
use super::{Command, Limit, Refusal, Sysctl, errno::ENOMEM, limit};
use crate::amount::thousands;
use crate::attribute::View;
use crate::cause::Cause;
use crate::report::{Finding, Resource, Severity, Subject};

pub const LIMIT: Limit = Limit {
    // How many are worth their memory is the owner's choice: nobody else can use it.
    sysctls: &[
        Sysctl::watched("vm.nr_hugepages", "the machine"),
        Sysctl::watched("vm.nr_overcommit_hugepages", "the machine"),
    ],
    refusals: &[Refusal::of("mmap", ENOMEM), Refusal::of("shmget", ENOMEM)],
    collector: Some("hugepages"),
    usage: |snapshot| limit::read(snapshot, Cause::Hugepages),
    findings,
    commands: &[
        Command::any(
            "grep -i huge /proc/meminfo",
            "HugePages_Free less HugePages_Rsvd is what can still be had",
        ),
        Command::any(
            "cat /sys/devices/system/node/node*/hugepages/hugepages-*/free_hugepages",
            "the same by NUMA node and size; reserve more at boot (hugepages=N), before memory is fragmented",
        ),
    ],
    ..Limit::in_logs(
        Cause::Hugepages,
        "Huge pages have run out; other memory may be free",
        include_str!("../../../../docs/causes/hugepages.md"),
    )
};

/// A pool that is all in use is what a database wants: worth a word, and no trouble.
fn findings(view: &View) -> Vec<Finding> {
    pressure::pressed(view, Cause::Hugepages)
        .filter(|(resource, _)| resource.used >= resource.limit)
        .map(|(resource, _)| {
            let title = format!(
                "All {} of the {} are in use or promised ({}): a program that asks for more is refused with ENOMEM",
                thousands(resource.limit),
                resource.subject,
                share(resource)
            );
            let remedies = vec![remedy(
                inspect(resource),
                "Shows which programs hold them; a pool that one database uses up is as it should be.",
            )];
            pressure::finding((resource, Severity::Info), title, remedies)
        })
        .collect()
}

fn inspect(resource: &Resource) -> String {
    let size = match resource.subject {
        Subject::Hugepages(kib) => format!("{kib} kB"),
        _ => String::new(),
    };
    format!("grep -l 'KernelPageSize: *{size}' /proc/[0-9]*/smaps 2>/dev/null")
}
