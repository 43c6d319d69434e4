//! Addresses of a pod network, which its CNI plugin hands out.

use super::Limit;
use crate::cause::Cause;

pub const LIMIT: Limit = Limit {
    commands: &[(
        "ls /var/lib/cni/networks/* | head; crictl pods -q | wc -l",
        "more reservations than pods are leaked ones: remove their files; else enlarge the node's pod CIDR",
    )],
    ..Limit::in_logs(
        Cause::IpPool,
        "A pod network has run out of addresses",
        include_str!("../../../../docs/causes/ip-pool.md"),
    )
};
