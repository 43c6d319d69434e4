//! Addresses of a pod network, which its CNI plugin hands out.

use super::{Command, Limit};
use crate::cause::Cause;

pub const LIMIT: Limit = Limit {
    commands: &[
        Command::host_local(
            "ls /var/lib/cni/networks/* | head; ls /var/log/pods | wc -l",
            "more reservations than pods are leaked ones: remove their files; else enlarge the node's pod CIDR",
        ),
        Command::any(
            "kubectl get nodes -o custom-columns=NAME:.metadata.name,CIDR:.spec.podCIDR",
            "the addresses that each node may give to pods; a network with a pool of its own says in its own resources what is left",
        ),
    ],
    ..Limit::in_logs(
        Cause::IpPool,
        "A pod network has run out of addresses",
        include_str!("../../../../docs/causes/ip-pool.md"),
    )
};
