//! Budgets and what depends on them, before anything is taken.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;

use anyhow::{Context as _, bail};
use nospace_bpf::userns;
use nospace_core::amount::bytes;
use nospace_core::managers::is_kubelet;
use nospace_core::model::{INITIAL_USER_NAMESPACE, InotifyResource, Pair, Provenance, UserKey};
use nospace_core::report::{Budget, Report};

use super::guard::{self, SafetyMargin};
use crate::collect::collect;
use crate::host::{Host, proc};

/// The budgets of the user that is charged, and what uid 0 of the node needs.
#[derive(Clone, Debug)]
pub struct Preflight {
    /// Who is charged.
    pub key: UserKey,
    /// Its budgets.
    pub budgets: Pair<Budget>,
    /// uid 0 of the node is charged too.
    pub of_root: bool,
    /// What it has left.
    root_free: Option<Pair<u64>>,
    kubelet: Option<String>,
    /// What a kubelet would need to restart beyond what it gives back.
    needed: Option<Pair<u64>>,
}

/// Checks the node as `check` does. `uid` is one of nospace's own user namespace.
///
/// # Errors
///
/// /proc cannot be read, or the uid is not mapped.
pub fn preflight(host: &dyn Host, uid: u32) -> anyhow::Result<Preflight> {
    let report = nospace_core::conclude(&collect(host));
    let key = charged(uid)?;
    let kubelet = kubelet(host);
    let start = report.forecast.kubelet_start.as_ref();
    let needed = start.map(|start| Pair {
        instances: start
            .instances_needed
            .saturating_sub(start.instances_given_back),
        watches: start
            .watches_needed
            .saturating_sub(start.watches_given_back),
    });
    Ok(Preflight {
        key,
        budgets: Pair {
            instances: budget(&report, key, InotifyResource::Instances)?,
            watches: budget(&report, key, InotifyResource::Watches)?,
        },
        of_root: key == UserKey::initial(0) || draws_on_root()?,
        root_free: root_free(&report),
        needed: needed.filter(|_| kubelet.is_some()),
        kubelet,
    })
}

impl Preflight {
    /// What should be left to uid 0 of the node.
    #[must_use]
    pub fn margin(&self, resource: InotifyResource) -> u64 {
        let limit = self.budgets[resource].limit.unwrap_or(0);
        let needed = self.needed.map(|needed| needed[resource]);
        guard::margin(resource, limit, needed)
    }

    /// Whether `amount` may be taken, so that `left` is left of the budget.
    ///
    /// # Errors
    ///
    /// Why not, and what can be done instead.
    pub fn allow(&self, resource: InotifyResource, amount: u64, left: u64) -> anyhow::Result<()> {
        if !self.of_root {
            return Ok(());
        }
        let own = self.key == UserKey::initial(0);
        let after = match self.root_free {
            _ if own => Some(left),
            free => free.map(|free| free[resource].saturating_sub(amount)),
        };
        let safety = SafetyMargin {
            resource,
            kubelet: self.kubelet.clone(),
            units: self.margin(resource),
        };
        guard::allow(&safety, after).map_err(anyhow::Error::msg)
    }
}

/// The pair that an instance made with this effective uid is charged to.
fn charged(uid: u32) -> anyhow::Result<UserKey> {
    const MAP: &str = "/proc/self/uid_map";
    let map = fs::read_to_string(MAP).context(MAP)?;
    let Some(outside) = outside(&map, uid) else {
        bail!("uid {uid} is not mapped in this user namespace ({MAP}): choose a mapped one");
    };
    Ok(UserKey {
        user_namespace: fs::metadata("/proc/self/ns/user")
            .context("/proc/self/ns/user")?
            .ino(),
        uid: outside,
    })
}

/// What the uid `inside` is outside (user_namespaces(7)).
fn outside(map: &str, inside: u32) -> Option<u32> {
    map.lines().find_map(|line| {
        let mut numbers = line.split_whitespace().map(str::parse::<u32>);
        let (first, to, count) = (
            numbers.next()?.ok()?,
            numbers.next()?.ok()?,
            numbers.next()?.ok()?,
        );
        let offset = inside.checked_sub(first).filter(|at| *at < count)?;
        to.checked_add(offset)
    })
}

/// Whether the namespace's creator is root of the node, as it nearly always is where it cannot be seen.
fn draws_on_root() -> anyhow::Result<bool> {
    const NAMESPACE: &str = "/proc/self/ns/user";
    let file = File::open(NAMESPACE).context(NAMESPACE)?;
    let own = userns::inspect(&file).context(NAMESPACE)?;
    Ok(own.id != INITIAL_USER_NAMESPACE && own.parent.is_none_or(|(_, uid)| uid == 0))
}

fn root_free(report: &Report) -> Option<Pair<u64>> {
    let root = UserKey::initial(0);
    let user = report
        .users
        .iter()
        .find(|u| u.uid == root.uid && u.user_namespace == root.user_namespace)?;
    Some(Pair {
        instances: user.instances.free()?,
        watches: user.watches.free()?,
    })
}

/// As the report has it; a user that holds nothing yet has its namespace's whole limit.
fn budget(report: &Report, key: UserKey, resource: InotifyResource) -> anyhow::Result<Budget> {
    let known = report
        .users
        .iter()
        .find(|u| u.uid == key.uid && u.user_namespace == key.user_namespace);
    let own_limit = own_limit(resource)?;
    Ok(match known {
        Some(user) => {
            let budget = user.budget(resource);
            Budget {
                limit: Some(budget.limit.map_or(own_limit, |limit| limit.min(own_limit))),
                ..*budget
            }
        }
        None => Budget {
            used: 0,
            limit: Some(own_limit),
            provenance: report.inotify_provenance().max(Provenance::Exact),
        },
    })
}

/// The lower of the limits of the namespace that nospace is in and of the initial one, which binds its creator.
fn own_limit(resource: InotifyResource) -> anyhow::Result<u64> {
    let unit = resource.unit();
    let own = sysctl(&format!("user/max_inotify_{unit}"))?;
    Ok(own.min(sysctl(&format!("fs/inotify/max_user_{unit}"))?))
}

fn sysctl(name: &str) -> anyhow::Result<u64> {
    let path = format!("/proc/sys/{name}");
    let text = fs::read_to_string(&path).with_context(|| path.clone())?;
    text.trim().parse().with_context(|| path)
}

/// Whether a kubelet runs on the node, in words. From within a pod none may be in sight, yet one is there.
fn kubelet(host: &dyn Host) -> Option<String> {
    let mut comm = Vec::new();
    let seen = host.pids().unwrap_or_default().into_iter().find(|pid| {
        let read = host.read(proc(&format!("{pid}/comm")), 64, &mut comm);
        read.is_ok() && is_kubelet(String::from_utf8_lossy(&comm).trim_end())
    });
    let in_pod = std::env::var_os("KUBERNETES_SERVICE_HOST").is_some();
    match seen {
        Some(pid) => Some(format!("a kubelet runs here (pid {pid})")),
        None if in_pod => Some("this is a pod, so a kubelet runs here".to_owned()),
        None => None,
    }
}

/// The part of the memory that may be taken unasked: 1/4.
const MEMORY_SHARE: u64 = 4;

/// Memory that can be had without swapping, in bytes.
///
/// # Errors
///
/// /proc/meminfo cannot be read.
pub fn available_memory() -> anyhow::Result<u64> {
    const FILE: &str = "/proc/meminfo";
    let text = fs::read_to_string(FILE).context(FILE)?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    Ok(kilobytes.context("/proc/meminfo has no MemAvailable")? << 10)
}

/// Whether the memory suffices for `amount` things of `each` bytes of kernel memory.
///
/// # Errors
///
/// It does not; the error says how many would fit.
pub fn fits(amount: u64, each: u64, available: u64) -> anyhow::Result<()> {
    let (needed, most) = (amount.saturating_mul(each), available / MEMORY_SHARE);
    if needed > most {
        bail!(
            "this would take {} of kernel memory, more than a quarter of what is available: use at most --amount {}",
            bytes(needed),
            most / each.max(1)
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_the_memory_is_enough() {
        assert!(fits(1000, 0, 0).is_ok());
        assert!(fits(100, 10, 4000).is_ok());
        let why = fits(101, 10, 4000).unwrap_err().to_string();
        assert!(why.contains("--amount 100"), "{why}");
        assert!(available_memory().unwrap() > 0);
    }

    #[test]
    fn uids_are_mapped() {
        assert_eq!(outside("0 0 4294967295\n", 7), Some(7));
        let map = "         0     100000      65536\n     70000       1000          1\n";
        assert_eq!(outside(map, 5), Some(100_005));
        assert_eq!(outside(map, 70_000), Some(1000));
        assert_eq!(outside(map, 65_536), None);
        assert_eq!(outside("", 0), None);
    }
}
