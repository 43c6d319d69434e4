//! Limits of a network namespace, and of the machine for all of them.

use nospace_core::cause::Cause;
use rustix::io::Errno;

use super::{of_a_guest, sysctl};
use crate::exhaust::Exhaust;
use crate::explain::Victim;
use crate::place::Place;
use crate::row::{Exhausted, Expected, How, Row};

pub fn rows() -> Vec<Row> {
    vec![
        Row {
            cause: Cause::Conntrack,
            which: "of a network namespace",
            how: How::Scenario("conntrack", connections),
        },
        of_a_guest(
            Cause::Conntrack,
            ("net.netfilter.nf_conntrack_max", "connections", 200, 200),
            "nf_conntrack_max can be set in the initial network namespace only, and holds for all of them",
        ),
        of_a_guest(
            Cause::NeighborTable,
            ("net.ipv4.neigh.default.gc_thresh3", "neighbors", 65, 64),
            "the machine has one table, with one limit",
        ),
        Row {
            cause: Cause::EphemeralPorts,
            which: "",
            how: How::Real(ports),
        },
        Row {
            cause: Cause::BridgePorts,
            which: "",
            how: How::Real(bridge),
        },
    ]
}

/// A bridge in a network namespace, which a sysfs that was mounted there shows.
fn bridge() -> anyhow::Result<Option<Exhausted>> {
    let mut place = Place::new(&["--instances=0"], &["net", "mnt"])?.by(&["--sysfs=/mnt"]);
    place.run(
        "mount -t sysfs sysfs /mnt
         { echo link add bridge0 type bridge
           for port in $(seq 0 2 1022); do echo link add port$port type veth peer port$((port + 1)); done
         } | ip -batch -",
    )?;
    place.exhaust("bridge-ports bridge0", Errno::XFULL)?;
    Ok(Some(Exhausted {
        place,
        expected: Expected::full("bridge0", "ports", 1023),
        victim: Victim::new("ip link set port1023 master bridge0"),
    }))
}

fn connections() -> anyhow::Result<Option<Exhausted>> {
    let limit = sysctl("/proc/sys/net/netfilter/nf_conntrack_max")?;
    let exhaust = Exhaust::start(&["conntrack"])?;
    Ok(Some(Exhausted {
        expected: Expected::full(format!("(pid {})", exhaust.pid()), "connections", limit),
        place: Place::of(exhaust, &[]),
        victim: Victim::new("echo 'nf_conntrack: nf_conntrack: table full, dropping packet' >&2"),
    }))
}

/// Connections to one destination, with few ports to choose from.
fn ports() -> anyhow::Result<Option<Exhausted>> {
    let mut place = Place::new(&["--instances=0"], &["net"])?;
    place.run("ip link set lo up")?;
    place.tell("sysctl net net/ipv4/ip_local_port_range 40000,40019")?;
    place.exhaust("connections", Errno::ADDRNOTAVAIL)?;
    Ok(Some(Exhausted {
        expected: Expected::full(format!("(pid {})", place.pid()?), "ports", 20),
        place,
        victim: None,
    }))
}
