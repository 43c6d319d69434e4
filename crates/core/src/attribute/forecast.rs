use super::{Room, user_ref};
use crate::managers::is_kubelet;
use crate::model::{
    CgroupVersion, Cgroups, Hierarchy, InotifyResource, Instance, Pair, Process, Provenance,
    Snapshot, UserKey,
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
/// Instances and watches without which the kubelet still runs: the plugin registry's, which comes last. It then sees no plugin register.
const DISPENSABLE: u64 = 1;

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
    let others = kubelet.other_watches();
    let needed = Pair {
        instances: kubelet.needed_instances(),
        watches: need.watches.saturating_add(others),
    };
    let held = Pair {
        instances: kubelet.instances,
        watches: kubelet.watches,
    };
    let rooms = Pair::new(|one| Room::of(snapshot, users, kubelet.account, one));
    let free = Pair::new(|one| Some(rooms[one].most?.saturating_add(held[one])));
    let spare = DISPENSABLE + kubelet.perhaps_less(&need);
    let unseen = unseen(snapshot, &rooms);
    let answer = |one| verdict(free[one], needed[one], spare, &unseen);
    let verdict = answer(InotifyResource::Watches).worse(answer(InotifyResource::Instances));
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
        basis: format!(
            "{}; {others} more for the client CA, static pods, flexvolumes, serving certificate and plugins; \
             {} instances, 2 of them for cAdvisor; {}",
            need.basis,
            needed.instances,
            kubelet.words(),
        ),
        provenance: Provenance::Estimated,
    })
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

/// More than is certainly there is refused for certain; room needs that all was seen.
fn verdict(free: Option<u64>, needed: u64, spare: u64, unseen: &[Unseen]) -> StartVerdict {
    match free {
        Some(free) if free < needed.saturating_sub(spare) => StartVerdict::Fails,
        Some(free) if unseen.is_empty() => {
            if free <= needed.saturating_add(needed / 10) {
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
        };
        Some(
            kubelets
                .map(|p| Self::of(p, instances))
                .max_by_key(|k| k.watches)
                .unwrap_or(none),
        )
    }

    fn of(process: &Process, instances: &[Instance]) -> Self {
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
        }
    }

    /// Watches that are not cAdvisor's: those that it holds; without a kubelet those of a recent one.
    fn other_watches(&self) -> u64 {
        match self.pid {
            Some(_) => OTHER_WATCHES.max(self.watches.saturating_sub(self.largest)),
            None => OTHER_WATCHES_FROM_1_31,
        }
    }

    /// Those that it holds, but for one more with every log that is followed.
    fn needed_instances(&self) -> u64 {
        match self.pid {
            Some(_) => self.instances.clamp(INSTANCES, INSTANCES_FROM_1_31),
            None => INSTANCES_FROM_1_31,
        }
    }

    /// What a kubelet that may be older than 1.23 needs less: one that holds so little, and watches as those before 1.29.
    fn perhaps_less(&self, need: &Need) -> u64 {
        if self.pid.is_some() && need.before_1_29 && self.instances < INSTANCES {
            LESS_BEFORE_1_23
        } else {
            0
        }
    }

    fn words(&self) -> String {
        match self.pid {
            Some(pid) => format!(
                "the running kubelet (pid {pid}) would give back {} watches and {} instances",
                self.watches, self.instances
            ),
            None => "no kubelet runs that would give anything back".to_owned(),
        }
    }
}

/// What cAdvisor asks for: one watch a directory, without `*.mount` (`watchDirectory`,
/// container/raw/watcher.go).
struct Need {
    watches: u64,
    hierarchies: u64,
    /// The kubelet that runs watches what those before 1.29 did.
    before_1_29: bool,
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
                before_1_29: false,
                basis: format!("cgroup v2: {bound}{watches} directories that cAdvisor watches"),
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
    let (set, before_1_29, why) = if kubelet.largest == 0 {
        (
            old,
            false,
            "no kubelet tells its version, so the longer list of before Kubernetes 1.29 is taken",
        )
    } else if kubelet.largest.abs_diff(sum(&new)) < kubelet.largest.abs_diff(sum(&old)) {
        (
            new,
            false,
            "the running kubelet holds what Kubernetes from 1.29 on watches",
        )
    } else {
        (
            old,
            true,
            "the running kubelet holds what Kubernetes before 1.29 watches",
        )
    };
    let watches = sum(&set);
    let bound = bound(set.iter().any(|h| h.truncated));
    let names: Vec<String> = set.iter().map(|h| h.controllers.join(",")).collect();
    Some(Need {
        watches,
        hierarchies: set.len() as u64,
        before_1_29,
        basis: format!(
            "cgroup v1: {bound}{watches} directories that cAdvisor watches in {} hierarchies ({}); {why}",
            set.len(),
            names.join(" "),
        ),
    })
}
