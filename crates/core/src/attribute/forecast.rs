//! What the next start of the kubelet would meet.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::kubelet::{INSTANCES_FROM_1_31, Kubelet, LEAST, OTHER_WATCHES_FROM_1_31, bound};
use super::{Room, user_ref, users};
use crate::amount::thousands;
use crate::managers::Manager;
use crate::model::{
    CgroupVersion, Cgroups, Hierarchy, InotifyResource, KubeletConfig, Pair, Provenance, Snapshot,
    UserKey,
};
use crate::report::{
    AllSeen, Forecast, GuardLine, KubeletStart, Owner, StartVerdict, Unseen, User, scarcer,
};

/// v1 controllers that cAdvisor watches for the kubelet from Kubernetes 1.29 (`needSubsys`,
/// container/libcontainer/helpers.go of cAdvisor 0.48, with the metrics of cadvisor_linux.go).
const FROM_1_29: [&str; 7] = ["cpu", "cpuacct", "memory", "blkio", "io", "pids", "devices"];
/// Those that it watched before, whatever metrics were asked for (`supportedSubsystems`).
const BEFORE_1_29: [&str; 3] = ["hugetlb", "cpuset", "perf_event"];

/// Instances and watches without which the kubelet still runs: the plugin registry's, which comes last. It then sees no plugin register.
const DISPENSABLE: u64 = 1;

/// What the next start of the kubelet would meet.
pub fn forecast(snapshot: &Snapshot, users: &[User], owners: &BTreeMap<u32, Owner>) -> Forecast {
    Forecast {
        kubelet_start: kubelet_start(snapshot, users, owners),
    }
}

fn kubelet_start(
    snapshot: &Snapshot,
    users: &[User],
    owners: &BTreeMap<u32, Owner>,
) -> Option<KubeletStart> {
    let kubelet = Kubelet::find(snapshot, owners)?;
    let cgroups = snapshot.cgroups.as_ref()?;
    let need = need(cgroups, &kubelet)?;
    let config = snapshot.node.kubelet;
    let most = kubelet.beside.and_then(|manager| manager.kubelet_config);
    let others = kubelet.other_needs(configured(most.or(config)));
    let of_file = config.filter(|_| most.is_none());
    let least = kubelet.least_needs(of_file.map_or(LEAST, at_least));
    let with_cgroups = |others: Pair<u64>| Pair {
        watches: need.watches.saturating_add(others.watches),
        ..others
    };
    let (needed, least) = (with_cgroups(others), with_cgroups(least));
    let held = Pair {
        instances: kubelet.instances,
        watches: kubelet.watches,
    };
    let account = kubelet.account;
    let rooms = Pair::new(|one| Room::of(snapshot, users, account, one, needed[one], held[one]));
    let free = Pair::new(|one| rooms[one].most);
    let mut unseen = unseen(snapshot, &rooms);
    unseen.extend(
        kubelet
            .beside
            .filter(|_| !kubelet.is_measured())
            .map(beside),
    );
    let proof = AllSeen::where_nothing_is(&unseen);
    let answer = |one| verdict(free[one], least[one]..=needed[one], proof);
    let verdict = answer(InotifyResource::Watches).worse(answer(InotifyResource::Instances));
    if verdict == StartVerdict::Unknown && unseen.is_empty() {
        unseen.push(kubelet.beside.map_or(Unseen::KubeletConfig, beside));
    }
    let free = Pair {
        instances: free.instances?,
        watches: free.watches?,
    };
    let scarce = scarcer(needed, free);
    let kept = Pair::new(|one| kept(snapshot, users, rooms[one].account, one).min(free[one]));
    Some(KubeletStart {
        verdict,
        account: user_ref(rooms[scarce].account),
        unseen: if verdict == StartVerdict::Unknown {
            unseen
        } else {
            Vec::new()
        },
        watches_needed: needed.watches,
        watches_free: free.watches,
        instances_needed: needed.instances,
        instances_free: free.instances,
        watches_kept: kept.watches,
        instances_kept: kept.instances,
        kubelet_pid: kubelet.pid,
        watches_given_back: kubelet.watches,
        instances_given_back: kubelet.instances,
        starting: kubelet.is_starting,
        basis: format!(
            "{}; {} more for {}; {}{} instances, 2 of them for cAdvisor; {}",
            need.basis,
            thousands(others.watches),
            kubelet.others(config),
            kubelet.bound(),
            thousands(needed.instances),
            kubelet.words(),
        ),
        provenance: Provenance::Estimated,
    })
}

/// What a guard keeps from pods of this account.
fn kept(snapshot: &Snapshot, users: &[User], account: UserKey, one: InotifyResource) -> u64 {
    let user = users::find(users, account);
    let line = user.and_then(|user| GuardLine::of(snapshot.guards.as_ref(), user, one));
    line.map_or(0, |line| line.kept)
}

fn beside(manager: &Manager) -> Unseen {
    Unseen::BesideKubelet {
        manager: manager.title.to_owned(),
    }
}

/// What was not seen of the accounts and of the cgroups.
fn unseen(snapshot: &Snapshot, rooms: &Pair<Room>) -> Vec<Unseen> {
    let cgroups = snapshot.collectors.iter().find(|run| run.name == "cgroups");
    let of_cgroups = cgroups.and_then(|run| Unseen::of_run(run, &snapshot.vantage));
    let of_rooms = InotifyResource::BOTH.map(|one| rooms[one].unseen.clone());
    let mut all = Vec::new();
    for one in of_rooms.into_iter().flatten().chain(of_cgroups) {
        if !all.contains(&one) {
            all.push(one);
        }
    }
    all
}

/// In how many hierarchies cAdvisor watches each cgroup of this node; `None` where cgroups or inotify could
/// not be read.
#[must_use]
pub fn cadvisor_hierarchies(snapshot: &Snapshot, owners: &BTreeMap<u32, Owner>) -> Option<u64> {
    let kubelet = Kubelet::find(snapshot, owners)?;
    Some(need(snapshot.cgroups.as_ref()?, &kubelet)?.hierarchies)
}

/// Less than the least that it needs is refused for certain; room needs that all was seen.
fn verdict(free: Option<u64>, needed: RangeInclusive<u64>, proof: Option<AllSeen>) -> StartVerdict {
    let (least, most) = (*needed.start(), *needed.end());
    match free {
        Some(free) if free < least.saturating_sub(DISPENSABLE) => StartVerdict::Fails,
        Some(free) if proof.is_some() && free >= most.saturating_sub(DISPENSABLE) => {
            if free <= most.saturating_add(most / 10) {
                StartVerdict::Barely
            } else {
                StartVerdict::Starts
            }
        }
        _ => StartVerdict::Unknown,
    }
}

/// Instances, and watches that are not cAdvisor's, of a recent kubelet with this configuration; without one all that it can have.
fn configured(config: Option<KubeletConfig>) -> Pair<u64> {
    let Some(config) = config else {
        return Pair {
            instances: INSTANCES_FROM_1_31,
            watches: OTHER_WATCHES_FROM_1_31,
        };
    };
    let each = |is_set, amount| if is_set { amount } else { 0 };
    let static_pods = each(!config.static_pods, 1);
    let client_ca = each(!config.client_ca, 1);
    let without = static_pods + client_ca;
    Pair {
        instances: INSTANCES_FROM_1_31 - without - each(!config.serving_certificate, 1),
        watches: OTHER_WATCHES_FROM_1_31 - without - each(!config.serving_certificate, 2),
    }
}

/// The least that a kubelet of any version needs with this configuration: before 1.31 it does not watch its serving certificate.
fn at_least(config: KubeletConfig) -> Pair<u64> {
    configured(Some(KubeletConfig {
        serving_certificate: false,
        ..config
    }))
}

/// What cAdvisor asks for: one watch a directory, without `*.mount` (`watchDirectory`,
/// container/raw/watcher.go).
struct Need {
    watches: u64,
    hierarchies: u64,
    basis: String,
}

fn need(cgroups: &Cgroups, kubelet: &Kubelet) -> Option<Need> {
    let seen = match cgroups.of_kubelet.as_slice() {
        [] => &cgroups.hierarchies,
        _ => &cgroups.of_kubelet,
    };
    match cgroups.version {
        CgroupVersion::V2 => {
            let unified = seen.iter().find(|h| h.unified)?;
            let watches = watched(unified);
            let bound = bound(unified.truncated);
            Some(Need {
                watches,
                hierarchies: 1,
                basis: format!(
                    "cgroup v2: {bound}{} directories that cAdvisor watches",
                    thousands(watches)
                ),
            })
        }
        CgroupVersion::V1 | CgroupVersion::Hybrid => v1_need(seen, kubelet),
        CgroupVersion::Unknown => None,
    }
}

fn watched(hierarchy: &Hierarchy) -> u64 {
    hierarchy
        .directories
        .saturating_sub(hierarchy.mount_unit_directories)
}

fn v1_need(hierarchies: &[Hierarchy], kubelet: &Kubelet) -> Option<Need> {
    let of = |extra: &[&str]| -> Vec<&Hierarchy> {
        let known = |c: &String| FROM_1_29.contains(&c.as_str()) || extra.contains(&c.as_str());
        let v1 = hierarchies.iter().filter(|h| !h.unified);
        v1.filter(|h| h.controllers.iter().any(known)).collect()
    };
    let (new, old) = (of(&[]), of(&BEFORE_1_29));
    if old.is_empty() {
        return None;
    }
    let sum = |set: &[&Hierarchy]| set.iter().map(|h| watched(h)).fold(0, u64::saturating_add);
    let (set, why) = if kubelet.largest == 0 {
        (
            old,
            "no kubelet shows its version, so the longer list of before Kubernetes 1.29 is taken",
        )
    } else if kubelet.largest.abs_diff(sum(&new)) < kubelet.largest.abs_diff(sum(&old)) {
        (
            new,
            "the running kubelet holds what Kubernetes from 1.29 on watches",
        )
    } else {
        (
            old,
            "the running kubelet holds what Kubernetes before 1.29 watches",
        )
    };
    let watches = sum(&set);
    let bound = bound(set.iter().any(|h| h.truncated));
    let names: Vec<String> = set.iter().map(|h| h.controllers.join(",")).collect();
    Some(Need {
        watches,
        hierarchies: set.len() as u64,
        basis: format!(
            "cgroup v1: {bound}{} directories that cAdvisor watches in {} hierarchies ({}); {why}",
            thousands(watches),
            set.len(),
            names.join(" "),
        ),
    })
}
