//! The network namespaces that processes live in.

use std::collections::BTreeMap;

use nospace_core::model::Subject;
use nospace_core::parse::{self, network::CpuColumns};

use super::mounts::{Walk, namespace, namespace_at};
use super::read;
use crate::host::{Host, ReadError, ReadResult, Tasks, proc};

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

/// Network namespaces, each by a process that lives in it.
#[derive(Default)]
pub struct Networks {
    /// A process or thread in each, by inode number: the lowest that is known; pid 1 for its own.
    pub all: BTreeMap<u64, u32>,
    /// That of nospace.
    pub own: Option<u64>,
    /// The first one: that of the host.
    pub host: Option<u64>,
    missed: Option<ReadError>,
}

impl Networks {
    /// As the kernel's account has them, or by asking processes where it does not.
    pub fn list(host: &dyn Host, tasks: &Tasks, walk: Option<&ReadResult<Walk>>) -> Self {
        let mut networks = match walk {
            Some(walk) => Self::asked(host, walk),
            None => Self::known(tasks),
        };
        // Not even root can ask a process that a security module protects. Where these live with others, nothing was missed.
        if tasks.others.get("net") == Some(&(networks.all.len() as u64)) {
            networks.missed = None;
        }
        networks.own = namespace_at(host, "self/ns/net").ok();
        // Only the first namespace has these; pid 1 does not always tell where it lives.
        let first = proc("sys/net/ipv4/neigh/default/gc_thresh3");
        if host.read(first, 64, &mut Vec::new()).is_ok() {
            networks.host = networks.own;
        }
        networks
    }

    fn known(tasks: &Tasks) -> Self {
        let mut networks = Self::default();
        for (&id, &tid) in &tasks.networks {
            match tid {
                0 => {
                    let nobody = "none of them has a pid here".to_owned();
                    networks.missed = Some(ReadError::Failed(nobody));
                }
                _ => {
                    networks.all.insert(id, tid);
                }
            }
            if tid == 1 {
                networks.host = Some(id);
            }
        }
        networks
    }

    /// Asks one process of each mount namespace, all of them where these are few. A namespace that lives on by a bind mount
    /// alone is not seen.
    fn asked(host: &dyn Host, walk: &ReadResult<Walk>) -> Self {
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
        networks
    }

    /// Namespaces may have been missed.
    pub fn is_partial(&self) -> bool {
        self.missed.is_some()
    }

    /// Why, for a list of gaps.
    pub fn gap(&self) -> Option<String> {
        let error = self.missed.as_ref()?;
        Some(format!(
            "the network namespaces of some processes are not known: {error}"
        ))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_without_a_pid_are_missed() {
        let tasks = |networks: &[(u64, u32)]| Tasks {
            networks: networks.iter().copied().collect(),
            ..Tasks::default()
        };
        let all = Networks::known(&tasks(&[(7, 1), (8, 20)]));
        assert_eq!(
            (all.all.len(), all.host, all.is_partial()),
            (2, Some(7), false)
        );

        let some = Networks::known(&tasks(&[(7, 1), (8, 0)]));
        assert_eq!(some.all, BTreeMap::from([(7, 1)]));
        let gap = some.gap().unwrap_or_default();
        assert!(gap.ends_with("none of them has a pid here"), "{gap}");
    }
}
