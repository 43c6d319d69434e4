//! Local ports for outgoing connections.

use super::{Command, Limit};
use crate::cause::Cause;

pub const LIMIT: Limit = Limit {
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
