//! Local ports for outgoing connections: EADDRNOTAVAIL from connect(2).

use super::pressure::{self, at_limit, share};
use super::remedy::{self, remedy};
use super::{Command, Dependency, Limit, Refusal, Sysctl, errno::EADDRNOTAVAIL, limit};
use crate::amount::thousands;
use crate::attribute::View;
use crate::cause::Cause;
use crate::report::{Finding, Resource, Subject};

const EACH: &str = "each network namespace";

pub const LIMIT: Limit = Limit {
    // Two numbers, and a list.
    sysctls: &[
        Sysctl::watched("net.ipv4.ip_local_port_range", EACH),
        Sysctl::watched("net.ipv4.ip_local_reserved_ports", EACH),
    ],
    refusals: &[Refusal::of("connect", EADDRNOTAVAIL)],
    collector: Some("ports"),
    depends: &[Dependency::Processes],
    usage: |snapshot| limit::read(snapshot, Cause::EphemeralPorts),
    findings,
    commands: &[
        Command::any(
            "awk '{print $3}' /proc/net/tcp | sort | uniq -c | sort -rn | head -3",
            "connections by remote address and port, in hexadecimal: the limit counts for each of them",
        ),
        Command::any(
            "cat /proc/sys/net/ipv4/ip_local_port_range",
            "the ports of this network namespace: widen the range there, or reuse connections",
        ),
    ],
    ..Limit::in_logs(
        Cause::EphemeralPorts,
        "Local ports for connections to one address have run out (net.ipv4.ip_local_port_range)",
        include_str!("../../../../docs/causes/ephemeral-ports.md"),
    )
};

fn findings(view: &View) -> Vec<Finding> {
    pressure::pressed(view, Cause::EphemeralPorts)
        .map(|(resource, severity)| {
            let to = resource.note.as_deref().unwrap_or_default();
            let title = format!(
                "{} of {} local ports are in use for one destination ({}, {}; {to}): {}connect(2) fails with EADDRNOTAVAIL",
                thousands(resource.used),
                thousands(resource.limit),
                resource.subject,
                share(resource),
                at_limit(resource)
            );
            let nsenter = match resource.subject {
                Subject::NetworkNamespace { pid, .. } => format!("nsenter -t {pid} -n "),
                _ => String::new(),
            };
            let mut remedies = vec![remedy(
                format!("{nsenter}awk '{{print $3, $4}}' /proc/net/tcp | sort | uniq -c | sort -rn | head"),
                "Counts sockets by destination and state, in hexadecimal; state 06 is TIME_WAIT. Reusing connections is what helps.",
            )];
            remedies.extend(widen(view, resource));
            Finding {
                victims: vec!["new connections from this network namespace to that destination".to_owned()],
                ..pressure::finding((resource, severity), title, remedies)
            }
        })
        .collect()
}

/// A wider range, where that is the host's and not as wide as it may be.
fn widen(view: &View, resource: &Resource) -> Vec<crate::report::Remedy> {
    let Subject::Sysctl(key) = &resource.subject else {
        return Vec::new();
    };
    let mut settings = view.snapshot.limits.iter().flat_map(|l| &l.settings);
    let live = settings
        .find(|one| one.key == *key)
        .and_then(|one| one.live.as_deref());
    let mut ends = live
        .unwrap_or_default()
        .split_whitespace()
        .map(str::parse::<u64>);
    let (Some(Ok(first)), Some(Ok(last))) = (ends.next(), ends.next()) else {
        return Vec::new();
    };
    // Below are ports that Kubernetes gives to services of type NodePort, and above there are none.
    let (low, high) = (first.min(32_768), last.max(60_999));
    if (low, high) == (first, last) {
        return Vec::new();
    }
    remedy::sysctl(
        view,
        key,
        &format!("{low} {high}"),
        "widens the range of local ports of this network namespace",
    )
}
