//! Connections that netfilter tracks: packets dropped, and EPERM from send(2).

use super::pressure::{self, at_limit, share};
use super::{Command, Dependency, Limit, Sysctl, limit, remedy};
use crate::amount::thousands;
use crate::attribute::View;
use crate::cause::Cause;
use crate::report::{Finding, Resource, Subject};

/// The limit of every network namespace; only the first can set it.
const MAX: &str = "net.netfilter.nf_conntrack_max";

pub const LIMIT: Limit = Limit {
    sysctls: &[Sysctl {
        // `conntrack.min` of kube-proxy.
        floor: 131_072,
        // `sizeof(struct nf_conn)` in its slab (x86-64, Linux 6.12).
        unit_bytes: Some(320),
        ..Sysctl::int(
            MAX,
            "each network namespace",
            "raises how many connections each network namespace may track",
        )
    }],
    collector: Some("conntrack"),
    depends: &[Dependency::Processes],
    usage: |snapshot| limit::read(snapshot, Cause::Conntrack),
    sysctl_of: |_| Some(MAX),
    findings,
    commands: &[
        Command::any(
            "grep . /proc/sys/net/netfilter/nf_conntrack_count /proc/sys/net/netfilter/nf_conntrack_max",
            "connections tracked against the limit; an entry takes about 320 bytes",
        ),
        Command::any(
            "kubectl -n kube-system get configmap kube-proxy -o yaml | grep -A4 conntrack",
            "kube-proxy sets the limit when it starts: raise conntrack.maxPerCore there",
        ),
    ],
    ..Limit::in_logs(
        Cause::Conntrack,
        "The table of tracked connections is full: the kernel drops packets (nf_conntrack_max)",
        include_str!("../../../../docs/causes/conntrack.md"),
    )
};

fn findings(view: &View) -> Vec<Finding> {
    pressure::pressed(view, Cause::Conntrack)
        .map(|(resource, severity)| {
            let title = format!(
                "{} of {} connections are tracked ({}, {}): {}packets of new connections are dropped",
                thousands(resource.used),
                thousands(resource.limit),
                resource.subject,
                share(resource),
                at_limit(resource)
            );
            let mut remedies = remedy::raise_sysctl(view, resource);
            remedies.push(remedy::remedy(
                inside(resource, "awk '{print $3, $4}' /proc/net/nf_conntrack | sort | uniq -c | sort -rn"),
                "Counts the entries by protocol; many of UDP or in TIME_WAIT call for shorter timeouts.",
            ));
            Finding {
                victims: vec![victims(resource).to_owned()],
                ..pressure::finding((resource, severity), title, remedies)
            }
        })
        .collect()
}

/// The command, in the network namespace that the budget is of.
fn inside(resource: &Resource, command: &str) -> String {
    match resource.subject {
        Subject::NetworkNamespace { pid, .. } => format!("nsenter -t {pid} -n {command}"),
        _ => command.to_owned(),
    }
}

fn victims(resource: &Resource) -> &'static str {
    match resource.subject {
        Subject::NetworkNamespace { .. } => "new connections from and to this pod",
        _ => "new connections from, to and through this node: those of pods and services too",
    }
}
