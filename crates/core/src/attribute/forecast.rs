use std::ops::RangeInclusive;

use super::{Room, user_ref};
use crate::amount::thousands;
use crate::managers::{Manager, combined, combined_by_services, is_kubelet};
use crate::model::{
    CgroupVersion, Cgroups, Hierarchy, InotifyResource, Instance, KubeletConfig, Pair, Process,
    Provenance, Snapshot, UserKey,
};
use crate::report::{Forecast, KubeletStart, StartVerdict, Unseen, User, scarcer};

/// v1 controllers that cAdvisor watches for the kubelet from Kubernetes 1.29 (`needSubsys`,
/// container/libcontainer/helpers.go of cAdvisor 0.48, with the metrics of cadvisor_linux.go).
const FROM_1_29: [&str; 7] = ["cpu", "cpuacct", "memory", "blkio", "io", "pids", "devices"];
/// Those that it watched before, whatever metrics were asked for (`supportedSubsystems`).
const BEFORE_1_29: [&str; 3] = ["hugetlb", "cpuset", "perf_event"];

/// Instances of a starting kubelet: cAdvisor's raw factory and its watcher, without which it exits (`Start`, manager/manager.go); the
/// client CA, the static pods and the flexvolume directory, asked for before that; the plugin registry after it.
pub(crate) const INSTANCES: u64 = 6;
/// One more from Kubernetes 1.31 on, for its serving certificate (`ReloadKubeletServerCertificateFile`); seen on 1.36.3.
pub(crate) const INSTANCES_FROM_1_31: u64 = INSTANCES + 1;
/// One watch in each instance that is not cAdvisor's.
pub(crate) const OTHER_WATCHES: u64 = 4;
/// One of each less before Kubernetes 1.23, which looked at its client CA every minute (`dynamic_cafile_content.go`, k8s.io/apiserver); seen on 1.20.2.
pub(crate) const LESS_BEFORE_1_23: u64 = 1;
/// And the serving certificate's two files.
pub(crate) const OTHER_WATCHES_FROM_1_31: u64 = OTHER_WATCHES + 2;
/// Instances that every kubelet takes: cAdvisor's two, flexvolumes, plugins; seen on 1.37.2. Watches beside cAdvisor's.
const LEAST: Pair<u64> = Pair {
    instances: 4,
    watches: 2,
};
/// So long after its start, in ticks, a kubelet may not hold yet all that it takes; on a loaded node it is slow.
const STARTING_TICKS: u64 = 60 * 100;
/// Instances and watches without which the kubelet still runs: the plugin registry's, which comes last. It then sees no plugin register.
const DISPENSABLE: u64 = 1;

/// Whether a kubelet was started a moment ago, and may not hold yet all that it takes. Both are in ticks of a hundredth of a second since
/// the machine was started.
#[must_use]
pub fn is_starting(start_ticks: u64, uptime_ticks: Option<u64>) -> bool {
    uptime_ticks.is_some_and(|now| now.saturating_sub(start_ticks) < STARTING_TICKS)
}

/// What the next start of the kubelet would meet.
pub fn forecast(snapshot: &Snapshot, users: &[User]) -> Forecast {
    Forecast {
        kubelet_start: kubelet_start(snapshot, users),
    }
}

fn kubelet_start(snapshot: &Snapshot, users: &[User]) -> Option<KubeletStart> {
    let kubelet = Kubelet::find(snapshot)?;
    let cgroups = snapshot.cgroups.as_ref()?;
    let need = need(cgroups, &kubelet)?;
    let config = snapshot.node.kubelet;
    let others = kubelet.other_needs(configured(config));
    let least = kubelet.least_needs(config.map_or(LEAST, |_| others));
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
    let answer = |one| verdict(free[one], least[one]..=needed[one], &unseen);
    let verdict = answer(InotifyResource::Watches).worse(answer(InotifyResource::Instances));
    if verdict == StartVerdict::Unknown && unseen.is_empty() {
        unseen.push(kubelet.beside.map_or(Unseen::KubeletConfig, beside));
    }
    let free = Pair {
        instances: free.instances?,
        watches: free.watches?,
    };
    let scarce = scarcer(needed, free);
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
        kubelet_pid: kubelet.pid,
        watches_given_back: kubelet.watches,
        instances_given_back: kubelet.instances,
        starting: kubelet.is_starting,
        basis: format!(
            "{}; {} more for {}; {}{} instances, 2 of them for cAdvisor; {}",
            need.basis,
            others.watches,
            kubelet.others(config),
            kubelet.bound(),
            needed.instances,
            kubelet.words(),
        ),
        provenance: Provenance::Estimated,
    })
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
pub fn cadvisor_hierarchies(snapshot: &Snapshot) -> Option<u64> {
    let kubelet = Kubelet::find(snapshot)?;
    Some(need(snapshot.cgroups.as_ref()?, &kubelet)?.hierarchies)
}

/// Less than the least that it needs is refused for certain; room needs that all was seen.
fn verdict(free: Option<u64>, needed: RangeInclusive<u64>, unseen: &[Unseen]) -> StartVerdict {
    let (least, most) = (*needed.start(), *needed.end());
    match free {
        Some(free) if free < least.saturating_sub(DISPENSABLE) => StartVerdict::Fails,
        Some(free) if unseen.is_empty() && free >= most.saturating_sub(DISPENSABLE) => {
            if free <= most.saturating_add(most / 10) {
                StartVerdict::Barely
            } else {
                StartVerdict::Starts
            }
        }
        _ => StartVerdict::Unknown,
    }
}

/// The kubelet that runs, if one does.
#[derive(Debug)]
struct Kubelet {
    pid: Option<u32>,
    /// Whom the kernel charges for what it opens.
    account: UserKey,
    /// Instances that it alone holds, and that are charged to that account.
    instances: u64,
    /// Watches in them.
    watches: u64,
    /// Watches in the largest of them, which is cAdvisor's.
    largest: u64,
    /// It was started a moment ago, and may take more.
    is_starting: bool,
    /// The manager that runs more in the same process: what that needs is known only from what it holds.
    beside: Option<&'static Manager>,
}

impl Kubelet {
    /// `None` only where inotify could not be read: then nothing can be said.
    fn find(snapshot: &Snapshot) -> Option<Self> {
        let instances = &snapshot.inotify.as_ref()?.instances;
        let kubelets = snapshot.processes.iter().filter(|p| is_kubelet(&p.comm));
        let none = Self {
            pid: None,
            account: snapshot.vantage.root(),
            instances: 0,
            watches: 0,
            largest: 0,
            is_starting: false,
            beside: snapshot.environment.as_ref().and_then(combined_by_services),
        };
        let uptime = snapshot.node.uptime_ticks;
        Some(
            kubelets
                .map(|p| Self::of(p, instances, uptime))
                .max_by_key(|k| k.watches)
                .unwrap_or(none),
        )
    }

    fn of(process: &Process, instances: &[Instance], uptime: Option<u64>) -> Self {
        let held = instances
            .iter()
            .filter(|i| i.holders.iter().all(|d| d.pid == process.pid));
        let held: Vec<&Instance> = held.collect();
        // It runs as one user, and so is charged for all as that; who passed it another instance may not be.
        let largest = held.iter().max_by_key(|i| i.watches);
        let account = largest.map_or(process.user, |i| i.charged);
        let own = || held.iter().filter(|i| i.charged == account);
        let watches = || own().map(|i| u64::from(i.watches));
        Self {
            pid: Some(process.pid),
            account,
            instances: own().count() as u64,
            watches: watches().sum(),
            largest: watches().max().unwrap_or(0),
            is_starting: is_starting(process.start_ticks, uptime),
            beside: combined(&process.comm),
        }
    }

    /// It runs, and holds what it takes.
    fn is_measured(&self) -> bool {
        self.pid.is_some() && !self.is_starting
    }

    /// Instances in all, and the watches that are not cAdvisor's: those that it holds, but for one more with every log that is
    /// followed; of one that does not hold all yet those that it is configured for. Which of those of a process that runs more
    /// than the kubelet are for logs is not known: all count.
    fn other_needs(&self, configured: Pair<u64>) -> Pair<u64> {
        let most = match self.beside {
            Some(_) => u64::MAX,
            None => INSTANCES_FROM_1_31,
        };
        let held = Pair {
            instances: self.instances.clamp(LEAST.instances, most),
            watches: self.watches.saturating_sub(self.largest),
        };
        match self.pid {
            Some(_) if self.is_starting => Pair::new(|one| held[one].max(configured[one])),
            Some(_) => held,
            None => configured,
        }
    }

    /// The same, of the kubelet alone.
    fn least_needs(&self, configured: Pair<u64>) -> Pair<u64> {
        let needs = self.other_needs(configured);
        match self.beside {
            Some(_) => Pair {
                instances: needs.instances.min(INSTANCES_FROM_1_31),
                watches: needs.watches.min(OTHER_WATCHES_FROM_1_31),
            },
            None => needs,
        }
    }

    /// What stands before a figure that is a lower bound.
    fn bound(&self) -> &'static str {
        bound(self.beside.is_some() && !self.is_measured())
    }

    /// What the watches that are not cAdvisor's are for.
    fn others(&self, config: Option<KubeletConfig>) -> String {
        if let Some(Manager {
            title,
            beside: Some(beside),
            ..
        }) = self.beside
        {
            return match self.is_measured() {
                true => format!("what else {title} watches, with {beside} in the same process"),
                false => format!(
                    "the kubelet's own files, and an unknown number for {beside}, which {title} runs in the same process"
                ),
            };
        }
        let words = match (self.is_measured(), config) {
            (true, _) => "what else the running kubelet watches",
            (_, Some(_)) => "flexvolumes, plugins, and what the kubelet is configured for",
            (_, None) => "the client CA, static pods, flexvolumes, serving certificate and plugins",
        };
        words.to_owned()
    }

    fn words(&self) -> String {
        match self.pid {
            Some(pid) if self.is_starting => format!(
                "the kubelet (pid {pid}) has just been started and may take more; it would give back {} watches and {} instances",
                self.watches, self.instances
            ),
            Some(pid) => format!(
                "the running kubelet (pid {pid}) would give back {} watches and {} instances",
                self.watches, self.instances
            ),
            None => "no kubelet runs that would give anything back".to_owned(),
        }
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

/// What cAdvisor asks for: one watch a directory, without `*.mount` (`watchDirectory`,
/// container/raw/watcher.go).
struct Need {
    watches: u64,
    hierarchies: u64,
    basis: String,
}

fn need(cgroups: &Cgroups, kubelet: &Kubelet) -> Option<Need> {
    match cgroups.version {
        CgroupVersion::V2 => {
            let unified = cgroups.hierarchies.iter().find(|h| h.unified)?;
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
        CgroupVersion::V1 | CgroupVersion::Hybrid => v1_need(&cgroups.hierarchies, kubelet),
        CgroupVersion::Unknown => None,
    }
}

fn watched(hierarchy: &Hierarchy) -> u64 {
    hierarchy
        .directories
        .saturating_sub(hierarchy.mount_unit_directories)
}

fn bound(truncated: bool) -> &'static str {
    if truncated { "at least " } else { "" }
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
            "no kubelet tells its version, so the longer list of before Kubernetes 1.29 is taken",
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
