//! The network namespaces that processes live in.

use std::collections::BTreeMap;

use nospace_core::model::Subject;
use nospace_core::parse::{self, network::CpuColumns};

use super::mounts::{Walk, namespace, namespace_at};
use super::read;
use crate::host::{Host, ReadError, ReadResult, proc};

/// Says of `key` that only the host's network namespace shows it, for a list of gaps.
pub fn only_in_first(key: &str) -> String {
    format!(
        "{key} is visible in the host's network namespace only; run nospace there (in a pod: hostNetwork: true)"
    )
}

/// A number that only the first network namespace shows: from there where nospace may enter it. `None` where there is no such
/// sysctl, or it is out of sight.
pub fn of_first(host: &dyn Host, key: &'static str) -> anyhow::Result<Option<u64>> {
    let path = read::sysctl_path(key);
    let number = |bytes: &[u8]| parse::number(key, bytes);
    if let Some(found) = read::optional(host, proc(&path), number)? {
        return Ok(Some(found));
    }
    let there = host.network_sysctl(1, &path).ok();
    Ok(there.map(|bytes| number(&bytes)).transpose()?)
}

/// Begins the gap that other processes leave.
pub const UNKNOWN_NETWORKS: &str = "the network namespaces of some processes are not known";

/// Network namespaces, each by a process that lives in it.
#[derive(Default)]
pub struct Networks {
    /// The lowest pid that was asked, by inode number; pid 1 for its own.
    pub all: BTreeMap<u64, u32>,
    /// That of nospace.
    pub own: Option<u64>,
    /// The first one: that of the host.
    pub host: Option<u64>,
    missed: Option<ReadError>,
}

impl Networks {
    /// Asks one process of each mount namespace, all of them where these are few. A namespace that lives on by a bind mount
    /// alone is not seen.
    pub fn list(host: &dyn Host, walk: &ReadResult<Walk>) -> Self {
        let mut networks = Self::default();
        let walk = match walk {
            Ok(walk) => walk,
            Err(error) => {
                networks.missed = Some(error.clone());
                return networks;
            }
        };
        if walk.denied > 0 {
            networks.missed = Some(ReadError::Denied);
        }
        for pid in walk.asked() {
            match namespace(host, pid, "net") {
                Ok(id) => {
                    networks.all.entry(id).or_insert(pid);
                    if pid == 1 {
                        networks.host = Some(id);
                        networks.all.insert(id, pid);
                    }
                }
                Err(ReadError::Gone) => {}
                Err(error) => networks.missed = Some(error),
            }
        }
        networks.own = namespace_at(host, "self/ns/net").ok();
        // Only the first namespace has these; pid 1 does not always tell where it lives.
        let first = proc("sys/net/ipv4/neigh/default/gc_thresh3");
        if host.read(first, 64, &mut Vec::new()).is_ok() {
            networks.host = networks.own;
        }
        networks
    }

    /// Namespaces may have been missed.
    pub fn is_partial(&self) -> bool {
        self.missed.is_some()
    }

    /// Why, for a list of gaps.
    pub fn gap(&self) -> Option<String> {
        let error = self.missed.as_ref()?;
        Some(format!("{UNKNOWN_NETWORKS}: {error}"))
    }

    /// What lies beyond a bound, for a list of gaps.
    pub fn beyond(&self, bound: usize) -> Option<String> {
        let beyond = self.all.len().saturating_sub(bound);
        let gap = || format!("{beyond} network namespaces were not read, only the first {bound}");
        (beyond > 0).then(gap)
    }

    /// What a budget of namespace `id` belongs to.
    pub fn subject(&self, id: u64, node: &'static str) -> Subject {
        match self.all.get(&id) {
            Some(&pid) if self.host != Some(id) => Subject::NetworkNamespace { id, pid },
            _ => Subject::sysctl(node),
        }
    }
}

/// Reads a file below net/stat: the entries of the table, and the sum over all CPUs of each counter. `None` where there is no
/// such file.
pub fn statistics<const N: usize>(
    host: &dyn Host,
    path: &str,
    counters: [&str; N],
) -> anyhow::Result<Option<(u64, [u64; N])>> {
    let mut columns: Option<CpuColumns> = None;
    let (mut entries, mut sums) = (0, [0_u64; N]);
    let is_there = read::lines(host, proc(path), |line| {
        let Some(columns) = &columns else {
            columns = Some(CpuColumns::new(line));
            return Ok(());
        };
        // The table is one; each line repeats its entries.
        entries = columns.value(line, "entries")?;
        for (sum, counter) in sums.iter_mut().zip(counters) {
            *sum = sum.saturating_add(columns.value(line, counter)?);
        }
        Ok(())
    })?;
    Ok(is_there.then_some((entries, sums)))
}
