//! Connections that netfilter tracks.

use super::{Command, Limit};
use crate::cause::Cause;

pub const LIMIT: Limit = Limit {
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
