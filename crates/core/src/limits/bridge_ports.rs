//! Ports of a bridge.

use super::{Command, Limit};
use crate::cause::Cause;

pub const LIMIT: Limit = Limit {
    commands: &[
        Command::any(
            "for b in /sys/class/net/*/brif; do ls $b | wc -l; done",
            "ports of each bridge; the kernel allows 1024 and has no setting for it",
        ),
        Command::any(
            "ls /sys/class/net/BRIDGE/brif",
            "interfaces of containers that are gone may still be attached: delete them with ip link",
        ),
    ],
    ..Limit::in_logs(
        Cause::BridgePorts,
        "A bridge has all the ports that it can have (1024)",
        include_str!("../../../../docs/causes/bridge-ports.md"),
    )
};
