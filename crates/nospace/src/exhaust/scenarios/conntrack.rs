use anyhow::{Context as _, ensure};
use nospace_core::cause::Cause;
use rustix::thread::UnshareFlags;

use crate::exhaust::netlink::Connections;
use crate::exhaust::scenario::{NO_OPTIONS, Scenario, Start, Started, Unit};
use crate::exhaust::{Headroom, Target, namespaces};

pub const SCENARIO: Scenario = Scenario {
    target: Target::Conntrack,
    name: "conntrack",
    cause: Cause::Conntrack,
    unit: Unit::Things("connection", "connections"),
    what: "tracked connections of a private network namespace, where COMMAND runs",
    fails: "its packets are dropped (\"nf_conntrack: table full\" in the kernel's log)",
    options: NO_OPTIONS,
    // `struct nf_conn`.
    memory: 320,
    start: Start::Apart(|_| {
        let limit = namespaces::sysctl("net/netfilter/nf_conntrack_max", 0)
            .context("this kernel tracks no connections: load nf_conntrack")?;
        ensure!(
            limit > 0,
            "net.netfilter.nf_conntrack_max is 0: there is no limit to reach"
        );
        namespaces::enter(UnshareFlags::NEWNET)?;
        Ok(Started::new(
            namespaces::subject("network namespace", "net")?,
            Connections::new()?,
            Headroom::exact(limit, limit),
        ))
    }),
};
