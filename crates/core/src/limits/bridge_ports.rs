//! Ports of a bridge: EXFULL.

use super::pressure::{self, at_limit, share};
use super::remedy::{quote, remedy};
use super::{Command, Limit, Refusal, errno::EXFULL, limit};
use crate::amount::thousands;
use crate::attribute::View;
use crate::cause::Cause;
use crate::report::Finding;

pub const LIMIT: Limit = Limit {
    refusals: &[Refusal::of("ioctl", EXFULL)],
    collector: Some("bridges"),
    usage: |snapshot| limit::read(snapshot, Cause::BridgePorts),
    findings,
    commands: &[
        Command::any(
            "for b in /sys/class/net/*/brif; do echo $(ls $b | wc -l) $b; done",
            "ports of each bridge; the kernel allows 1023 and has no setting for it",
        ),
        Command::any(
            "ls /sys/class/net/BRIDGE/brif",
            "interfaces of containers that are gone may still be attached: delete them with ip link",
        ),
    ],
    ..Limit::in_logs(
        Cause::BridgePorts,
        "A bridge has all the ports that it can have (1023)",
        include_str!("../../../../docs/causes/bridge-ports.md"),
    )
};

fn findings(view: &View) -> Vec<Finding> {
    pressure::pressed(view, Cause::BridgePorts)
        .map(|(resource, severity)| {
            let title = format!(
                "Bridge {} has {} of {} ports ({}): {}attaching an interface fails with \"exchange full\"",
                resource.subject,
                thousands(resource.used),
                thousands(resource.limit),
                share(resource),
                at_limit(resource)
            );
            let name = quote(&resource.subject.to_string());
            let remedies = name.map(|name| {
                remedy(
                    format!("ip -o link show master {name} | grep -v LOWER_UP"),
                    "Shows ports without a carrier: interfaces of containers that are gone; `ip link delete` removes one.",
                )
            });
            Finding {
                victims: vec!["new containers of this network".to_owned()],
                ..pressure::finding((resource, severity), title, remedies.into_iter().collect())
            }
        })
        .collect()
}
