//! What each part of a node needs: the formula of a node that does not exist yet.
//!
//! Checked against recorded nodes (`crates/nospace/tests/plan/nodes.rs`) and a real containerd (`lab.rs`).

use super::versions::{CADVISOR_INSTANCES, KUBELETS, KubeletVersion, kubelet};
use super::{Basis, Cgroup, CgroupDriver, Formula, Question, Term};
use crate::model::Pair;

/// PID 1 on Debian 12: 6 instances, and 12 watches beside those of cgroups (paths, time, mounts).
const SYSTEMD: Pair<u64> = Pair::of(6, 12);
/// udevd, dbus, logind and two getty hold 5 and 16 on Debian 12; twice that allows for what a distribution adds.
const DAEMONS: Pair<u64> = Pair::of(10, 32);

/// All terms, in reading order.
#[must_use]
pub fn terms(asked: &Question) -> Vec<Term> {
    let mut terms = vec![cadvisor(asked), kubelet_files(asked)];
    terms.extend(follows(asked));
    terms.extend(manager(asked));
    terms.extend(daemon(asked));
    terms.extend(monitors(asked));
    if asked.manager().is_none_or(|manager| manager.systemd) {
        terms.push(systemd(asked));
    }
    terms.push(host_daemons());
    terms.extend(extra(asked));
    terms
}

/// Hierarchies that cAdvisor watches.
fn hierarchies(asked: &Question) -> u64 {
    match asked.cgroup {
        Cgroup::V2 => 1,
        Cgroup::V1 => kubelet(asked.kubernetes).hierarchies,
    }
}

/// Whether pause containers are only cgroups, with no process and no monitor.
fn drops_pause(asked: &Question) -> bool {
    let runtime = asked.runtime.definition();
    let daemon = runtime.and_then(|d| d.daemon_use.as_ref());
    daemon.is_some_and(|daemon| daemon.drops_pause)
}

/// Those that run, and that a monitor waits for, of the containers of some pods, the pause containers among them.
pub(super) fn running(asked: &Question, pods: u64, containers: u64) -> u64 {
    let dropped = if drops_pause(asked) { pods } else { 0 };
    containers.saturating_sub(dropped)
}

/// Cgroups of monitors: some have their own beside the container's.
pub(super) fn monitor_cgroups(asked: &Question, running: u64) -> u64 {
    monitor_cgroup_name(asked).map_or(0, |_| running)
}

fn monitor_cgroup_name(asked: &Question) -> Option<&'static str> {
    asked.runtime.definition()?.monitor.cgroups
}

/// Those of the pods that are asked for.
fn running_of(asked: &Question) -> u64 {
    if drops_pause(asked) {
        asked.containers()
    } else {
        asked.with_pause()
    }
}

fn cadvisor(asked: &Question) -> Term {
    let directories = Formula::sum(&[
        (1, asked.pods, "pods"),
        (1, asked.with_pause(), "containers"),
        (
            1,
            monitor_cgroups(asked, running_of(asked)),
            monitor_cgroup_name(asked).unwrap_or_default(),
        ),
        (1, asked.nested_cgroups, "nested cgroups"),
        (1, asked.other_cgroups, "other cgroups"),
    ]);
    Term {
        who: "kubelet: cAdvisor".to_owned(),
        why: match asked.cgroup {
            Cgroup::V2 => "one watch per cgroup".to_owned(),
            Cgroup::V1 => format!("one per cgroup, {} hierarchies", hierarchies(asked)),
        },
        instances: Formula::fixed(CADVISOR_INSTANCES),
        watches: Formula::times(hierarchies(asked), directories, "hierarchies"),
        basis: Basis::Measured,
        source: "google/cadvisor container/raw/watcher.go, watchDirectory; container/libcontainer/helpers.go".to_owned(),
    }
}

fn kubelet_files(asked: &Question) -> Term {
    let kubelet = kubelet(asked.kubernetes);
    let so_far = KUBELETS.iter().filter(|k| k.since <= kubelet.since);
    let mut watched: Vec<&KubeletVersion> = so_far.collect();
    watched.dedup_by_key(|kubelet| kubelet.own);
    let sources: Vec<&str> = watched.into_iter().map(|kubelet| kubelet.source).collect();
    Term {
        who: "kubelet: its own files".to_owned(),
        why: kubelet.why.to_owned(),
        instances: Formula::fixed(kubelet.own.instances),
        watches: Formula::fixed(kubelet.own.watches),
        basis: Basis::Measured,
        source: sources.join("; "),
    }
}

/// What a manager's own process holds.
fn manager(asked: &Question) -> Option<Term> {
    let manager = asked.manager()?;
    let own = manager.own_use.as_ref()?;
    Some(Term {
        who: manager.title.to_owned(),
        why: own.why.to_owned(),
        instances: Formula::fixed(own.instances),
        watches: Formula::fixed(own.watches),
        basis: Basis::Read,
        source: own.source.to_owned(),
    })
}

fn follows(asked: &Question) -> Option<Term> {
    (asked.log_follows > 0).then(|| Term {
        who: "kubelet: kubectl logs -f".to_owned(),
        why: "one of each per follower".to_owned(),
        instances: Formula::sum(&[(1, asked.log_follows, "followers")]),
        watches: Formula::sum(&[(1, asked.log_follows, "followers")]),
        basis: Basis::Read,
        source: "kubernetes pkg/kubelet/kuberuntime/logs/logs.go, ReadLogs".to_owned(),
    })
}

fn daemon(asked: &Question) -> Option<Term> {
    let daemon = asked.runtime.definition()?.daemon_use.as_ref()?;
    let version = asked
        .runtime_version
        .map(|version| (version.major, version.minor));
    let held = daemon.of(version)?;
    Some(Term {
        who: daemon.who.to_owned(),
        why: held.why.to_owned(),
        instances: Formula::fixed(held.instances),
        watches: Formula::fixed(held.watches),
        basis: if daemon.measured {
            Basis::Measured
        } else {
            Basis::Assumed
        },
        source: daemon.source.to_owned(),
    })
}

/// What waits for each container's end: on cgroup v1 by an eventfd, so nothing.
fn monitors(asked: &Question) -> Option<Term> {
    if asked.cgroup == Cgroup::V1 {
        return None;
    }
    let monitor = asked.runtime.definition()?.monitor;
    let running = running_of(asked);
    let pause = if drops_pause(asked) {
        "; no pause"
    } else {
        ", incl. pause"
    };
    Some(Term {
        who: monitor.title.to_owned(),
        why: format!("1 + {} per container{pause}", monitor.watches),
        instances: Formula::sum(&[(1, running, "containers")]),
        watches: Formula::sum(&[(monitor.watches, running, "containers")]),
        basis: Basis::Measured,
        source: monitor.source.to_owned(),
    })
}

/// PID 1 watches `cgroup.events` of each unit; on v2 `memory.events` of each service and scope as well.
fn systemd(asked: &Question) -> Term {
    // The cgroup of a pause container that does not run is none of its units.
    let running = running_of(asked);
    let scopes = running.saturating_add(monitor_cgroups(asked, running));
    let made = asked.cgroup_driver == CgroupDriver::Systemd;
    let files = match asked.cgroup {
        Cgroup::V2 => 2,
        Cgroup::V1 => 1,
    };
    let mut parts = vec![
        (1, SYSTEMD.watches, ""),
        (files, asked.other_cgroups, "other cgroups"),
    ];
    if made {
        parts.extend([(1, asked.pods, "pod slices"), (files, scopes, "scopes")]);
    }
    let why = match (asked.cgroup, made) {
        (Cgroup::V2, true) => "units, slices, scopes",
        (Cgroup::V1, true) => "units, slices, if hybrid",
        (Cgroup::V2, false) => "its units",
        (Cgroup::V1, false) => "its units, if hybrid",
    };
    Term {
        who: "systemd (PID 1)".to_owned(),
        why: why.to_owned(),
        instances: Formula::fixed(SYSTEMD.instances),
        watches: Formula::sum(&parts),
        basis: Basis::Measured,
        source: "systemd src/core/cgroup.c, unit_watch_cgroup and unit_watch_cgroup_memory"
            .to_owned(),
    }
}

fn host_daemons() -> Term {
    Term {
        who: "other host daemons".to_owned(),
        why: "udevd, dbus, getty".to_owned(),
        instances: Formula::fixed(DAEMONS.instances),
        watches: Formula::fixed(DAEMONS.watches),
        basis: Basis::Assumed,
        source: "twice the 5 / 16 of a bare Debian 12, for what distributions add".to_owned(),
    }
}

/// What the workloads are said to use.
pub(super) fn extra(asked: &Question) -> Option<Term> {
    (asked.extra != Pair::default()).then(|| Term {
        who: "workloads that run as root".to_owned(),
        why: "as given".to_owned(),
        instances: Formula::fixed(asked.extra.instances),
        watches: Formula::fixed(asked.extra.watches),
        basis: Basis::Given,
        source: "--extra-instances, --extra-watches".to_owned(),
    })
}
