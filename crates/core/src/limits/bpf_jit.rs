//! Memory for compiled BPF programs: errno 524 (ENOTSUPP) from seccomp(2), EPERM from bpf(2).

use super::pressure::{self, share};
use super::{Command, Limit, Refusal, Sysctl, errno::ENOTSUPP, limit, remedy};
use crate::attribute::View;
use crate::cause::Cause;
use crate::report::{Finding, Remedy, Resource};

const MOST: &str = "net.core.bpf_jit_limit";

pub const LIMIT: Limit = Limit {
    refusals: &[
        Refusal::of("seccomp", ENOTSUPP),
        Refusal::of("prctl", ENOTSUPP),
    ],
    sysctls: &[Sysctl {
        // `bpf_jit_limit_max` is the room for modules: 1008 MiB on x86-64 with KASLR, more elsewhere. More is refused.
        most: 1008 << 20,
        ..Sysctl::int(
            MOST,
            "the machine",
            "raises how much memory programs of callers without CAP_BPF may take",
        )
        .costing(1)
    }],
    collector: Some("bpf-jit"),
    usage: |snapshot| limit::read(snapshot, Cause::BpfJit),
    findings,
    commands: &[
        Command::any(
            "grep -E 'bpf_jit|bpf_prog_pack' /proc/vmallocinfo | awk '{s+=$2} END {print s}'",
            "bytes in use; as root",
        ),
        Command::any(
            "cat /proc/sys/net/core/bpf_jit_limit",
            "raise it; a kernel that leaks the memory of seccomp filters needs an update and a reboot",
        ),
    ],
    ..Limit::in_logs(
        Cause::BpfJit,
        "Memory for compiled BPF programs has run out (net.core.bpf_jit_limit): seccomp filters cannot be loaded",
        include_str!("../../../../docs/causes/bpf-jit.md"),
    )
};

fn findings(view: &View) -> Vec<Finding> {
    pressure::pressed(view, Cause::BpfJit)
        .map(|(resource, severity)| {
            let title = format!(
                "Compiled BPF programs take {} ({}): at the limit no seccomp filter can be loaded, and no container starts",
                super::describe::used_of(resource.used, resource.limit, &resource.unit),
                share(resource)
            );
            Finding {
                victims: vec!["containers, sshd and services with a seccomp filter (errno 524)".to_owned()],
                ..pressure::finding((resource, severity), title, remedies(view, resource))
            }
        })
        .collect()
}

fn remedies(view: &View, resource: &Resource) -> Vec<Remedy> {
    let mut remedies = remedy::raise_sysctl(view, resource);
    remedies.push(remedy::remedy(
        "grep -H Seccomp_filters /proc/[0-9]*/status | sort -k2 -n | tail",
        "Shows the processes with most seccomp filters; a sum that grows without them is a leak of the kernel: update and reboot.",
    ));
    remedies
}
