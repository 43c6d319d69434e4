//! Local ports of outgoing connections, in each network namespace: as many as the range has to one remote address and port.

use std::collections::{HashMap, HashSet};

use nospace_core::amount::count;
use nospace_core::cause::Cause;
use nospace_core::model::{Resource, Subject};
use nospace_core::parse::network::{self, address};

use super::networks::Networks;
use super::read;
use super::run::{CollectResult, Measurement};
use crate::host::{Host, ReadError, proc};

const RANGE: &str = "net.ipv4.ip_local_port_range";
const RESERVED: &str = "net.ipv4.ip_local_reserved_ports";
/// More namespaces than containers fit on a node are not asked.
const MAX_NAMESPACES: usize = 1000;
/// No namespace has so narrow a range that fewer TCP sockets use it up.
const FEW: u64 = 100;
/// Destinations of one namespace that are counted. One that matters has thousands of connections.
const MAX_DESTINATIONS: usize = 100_000;

/// Finds the destination with most connections in each namespace.
///
/// A socket takes its local port for its local address and its destination, in TIME_WAIT as well
/// (`__inet_hash_connect`, net/ipv4/inet_hashtables.c); a port that is bound is nobody else's. All sockets of a namespace, by
/// /proc/PID/net/sockstat, are an upper bound: where that is below half of the range, the list of sockets is not read.
pub fn collect(host: &dyn Host, networks: &Networks) -> CollectResult<Vec<Resource>> {
    let mut resources = Vec::new();
    let mut gaps: Vec<String> = networks.gap().into_iter().collect();
    gaps.extend(networks.beyond(MAX_NAMESPACES));
    let mut closed = 0;
    for (&id, &pid) in networks.all.iter().take(MAX_NAMESPACES) {
        let is_own = networks.own == Some(id);
        match of_namespace(host, pid, is_own) {
            Ok(Found::Budget(budget)) => {
                let subject = networks.subject(id, RANGE);
                gaps.extend(budget.gap(&subject));
                resources.push(budget.resource(subject));
            }
            Ok(Found::Nothing) => {}
            Ok(Found::Closed) => closed += 1,
            Err(error) => gaps.push(format!("{error:#}")),
        }
    }
    let hidden = || {
        let namespaces = count(closed, "network namespace", "network namespaces");
        format!("{RANGE} of {namespaces} is not readable; run nospace with CAP_SYS_ADMIN")
    };
    Ok(Measurement::estimated(resources)
        .partial(!gaps.is_empty())
        .with_gaps(gaps)
        .out_of_sight((closed > 0).then(hidden).into_iter().collect()))
}

/// What a namespace shows.
enum Found {
    /// Its fullest destination.
    Budget(Budget),
    /// Next to no sockets, or the process has ended.
    Nothing,
    /// nospace may not enter it.
    Closed,
}

/// What the fullest destination of a namespace has.
struct Budget {
    used: u64,
    limit: u64,
    note: String,
    is_cut: bool,
}

impl Budget {
    fn resource(self, subject: Subject) -> Resource {
        let of = Resource::exact(
            Cause::EphemeralPorts,
            subject,
            self.used,
            self.limit,
            "ports",
        );
        Resource {
            note: Some(self.note),
            ..of.estimated()
        }
    }

    fn gap(&self, subject: &Subject) -> Option<String> {
        self.is_cut.then(|| {
            format!("{subject}: only the first {MAX_DESTINATIONS} destinations were counted")
        })
    }
}

fn of_namespace(host: &dyn Host, pid: u32, is_own: bool) -> anyhow::Result<Found> {
    let Some(sockets) = sockets(host, pid)? else {
        return Ok(Found::Nothing);
    };
    if sockets < FEW && !is_own {
        return Ok(Found::Nothing);
    }
    let setting = |key: &str| {
        let path = read::sysctl_path(key);
        if is_own {
            read::bytes(host, proc(&path))
        } else {
            host.network_sysctl(pid, &path)
        }
    };
    let failed = |key: &str, error: &ReadError| {
        anyhow::anyhow!("{key} of the network namespace of process {pid}: {error}")
    };
    let range = match setting(RANGE) {
        Ok(range) => network::port_range(&range)?,
        Err(ReadError::Denied) => return Ok(Found::Closed),
        Err(ReadError::Gone) => return Ok(Found::Nothing),
        Err(error) => return Err(failed(RANGE, &error)),
    };
    let reserved = match setting(RESERVED) {
        Ok(list) => network::reserved(&list, range)?,
        Err(ReadError::Gone) => 0,
        Err(error) => return Err(failed(RESERVED, &error)),
    };
    let all = (u64::from(range.1) + 1).saturating_sub(range.0.into());
    let limit = all.saturating_sub(reserved);
    if sockets < limit / 2 {
        return Ok(Found::Budget(Budget {
            used: sockets,
            limit,
            note: "all TCP sockets: those to one destination are fewer".to_owned(),
            is_cut: false,
        }));
    }
    fullest(host, pid, range, limit).map(Found::Budget)
}

/// TCP sockets that have a port, TIME_WAIT included.
fn sockets(host: &dyn Host, pid: u32) -> anyhow::Result<Option<u64>> {
    let mut sum = 0_u64;
    let path = format!("{pid}/net/sockstat");
    let is_there = read::lines(host, proc(&path), |line| {
        sum += network::sockstat(line, "TCP", &["inuse", "tw"])?;
        Ok(())
    })?;
    if !is_there {
        return Ok(None);
    }
    // A kernel without IPv6 has no such file.
    read::lines(host, proc(&format!("{pid}/net/sockstat6")), |line| {
        sum += network::sockstat(line, "TCP6", &["inuse"])?;
        Ok(())
    })?;
    Ok(Some(sum))
}

/// Counts ports by destination.
fn fullest(host: &dyn Host, pid: u32, range: (u16, u16), limit: u64) -> anyhow::Result<Budget> {
    let mut destinations: HashMap<(Vec<u8>, Vec<u8>, u16), u64> = HashMap::new();
    let mut bound: HashSet<u16> = HashSet::new();
    let mut is_cut = false;
    for file in ["tcp", "tcp6"] {
        read::lines(host, proc(&format!("{pid}/net/{file}")), |line| {
            let Some(socket) = network::socket(line)? else {
                return Ok(());
            };
            if !(range.0..=range.1).contains(&socket.local_port) {
                return Ok(());
            }
            if socket.remote_port == 0 {
                bound.insert(socket.local_port);
                return Ok(());
            }
            let key = (
                socket.local.to_vec(),
                socket.remote.to_vec(),
                socket.remote_port,
            );
            if destinations.len() < MAX_DESTINATIONS || destinations.contains_key(&key) {
                *destinations.entry(key).or_default() += 1;
            } else {
                is_cut = true;
            }
            Ok(())
        })?;
    }
    let most = destinations
        .iter()
        .max_by_key(|(key, count)| (**count, *key));
    let (used, note) = match most {
        Some(((_, remote, port), count)) => {
            (*count, format!("connections to {}:{port}", address(remote)))
        }
        None => (0, "no connection has a port of the range".to_owned()),
    };
    let bound = bound.len() as u64;
    let note = match bound {
        0 => note,
        _ => format!("{note}; {bound} ports of the range are bound"),
    };
    Ok(Budget {
        used: used.saturating_add(bound).min(limit),
        limit,
        note,
        is_cut,
    })
}
