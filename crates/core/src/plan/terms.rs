//! What each part of a node needs: the formula of a node that does not exist yet.
//!
//! Held against recorded nodes (`crates/nospace/tests/plan/nodes.rs`) and a real containerd (`lab.rs`).

use super::{
    Amounts, Basis, Cgroup, CgroupDriver, Formula, Kubernetes, NodeRuntime, Question,
    RuntimeVersion, Term,
};
use crate::attribute::forecast::{
    INSTANCES, INSTANCES_FROM_1_31, LESS_BEFORE_1_23, OTHER_WATCHES, OTHER_WATCHES_FROM_1_31,
};

/// v1 hierarchies that cAdvisor watches: cpu and cpuacct, memory, blkio, pids, devices.
const HIERARCHIES: u64 = 5;
/// With hugetlb, cpuset and perf_event.
const HIERARCHIES_BEFORE_1_29: u64 = 8;
/// Instances of cAdvisor, of the kubelet's [`INSTANCES`].
const CADVISOR_INSTANCES: u64 = 2;

/// PID 1 on Debian 12: 6 instances, and 12 watches beside those of cgroups (paths, time, mounts).
const SYSTEMD: Amounts = Amounts::new(6, 12);
/// udevd, dbus, logind and two getty hold 5 and 16 on Debian 12; as many again for what a distribution adds.
const DAEMONS: Amounts = Amounts::new(10, 32);

/// All terms, in the order in which one reads them.
#[must_use]
pub fn terms(asked: &Question) -> Vec<Term> {
    let mut terms = vec![cadvisor(asked), kubelet_files(asked)];
    terms.extend(follows(asked));
    terms.push(daemon(asked));
    terms.extend(monitors(asked));
    terms.push(systemd(asked));
    terms.push(host_daemons());
    terms.extend(extra(asked));
    terms
}

/// Hierarchies that cAdvisor watches.
fn hierarchies(asked: &Question) -> u64 {
    match asked.cgroup {
        Cgroup::V2 => 1,
        Cgroup::V1 if asked.kubernetes >= Kubernetes::one(29) => HIERARCHIES,
        Cgroup::V1 => HIERARCHIES_BEFORE_1_29,
    }
}

/// conmon has a scope of its own beside the container's, where systemd makes the cgroups.
pub(super) fn conmon_scopes(asked: &Question, containers: u64) -> u64 {
    match (asked.runtime, asked.cgroup_driver) {
        (NodeRuntime::CriO, CgroupDriver::Systemd) => containers,
        _ => 0,
    }
}

fn cadvisor(asked: &Question) -> Term {
    let directories = Formula::sum(&[
        (1, asked.pods, "pods"),
        (1, asked.with_pause(), "containers"),
        (1, conmon_scopes(asked, asked.with_pause()), "conmon scopes"),
        (1, asked.nested_cgroups, "nested cgroups"),
        (1, asked.other_cgroups, "other cgroups"),
    ]);
    Term {
        who: "kubelet: cAdvisor".to_owned(),
        why: match asked.cgroup {
            Cgroup::V2 => "a watch a cgroup".to_owned(),
            Cgroup::V1 => format!("a cgroup, in {} hierarchies", hierarchies(asked)),
        },
        instances: Formula::fixed(CADVISOR_INSTANCES),
        watches: Formula::times(hierarchies(asked), directories, "hierarchies"),
        basis: Basis::Measured,
        source: "google/cadvisor container/raw/watcher.go, watchDirectory; container/libcontainer/helpers.go".to_owned(),
    }
}

fn kubelet_files(asked: &Question) -> Term {
    let (instances, watches) = if asked.kubernetes < Kubernetes::one(23) {
        (
            INSTANCES - LESS_BEFORE_1_23,
            OTHER_WATCHES - LESS_BEFORE_1_23,
        )
    } else if asked.kubernetes < Kubernetes::one(31) {
        (INSTANCES, OTHER_WATCHES)
    } else {
        (INSTANCES_FROM_1_31, OTHER_WATCHES_FROM_1_31)
    };
    Term {
        who: "kubelet: its own files".to_owned(),
        why: "client CA, static pods, plugins".to_owned(),
        instances: Formula::fixed(instances - CADVISOR_INSTANCES),
        watches: Formula::fixed(watches),
        basis: Basis::Measured,
        source: "kubernetes pkg/kubelet/config/file_linux.go, pkg/kubelet/pluginmanager/pluginwatcher, \
                 pkg/volume/flexvolume/probe.go, apiserver dynamiccertificates from 1.23 on, with the serving certificate from 1.31 on; \
                 7 in all on 1.36, 5 on 1.20"
            .to_owned(),
    }
}

fn follows(asked: &Question) -> Option<Term> {
    (asked.log_follows > 0).then(|| Term {
        who: "kubelet: kubectl logs -f".to_owned(),
        why: "one of each a follower".to_owned(),
        instances: Formula::sum(&[(1, asked.log_follows, "followers")]),
        watches: Formula::sum(&[(1, asked.log_follows, "followers")]),
        basis: Basis::Read,
        source: "kubernetes pkg/kubelet/kuberuntime/logs/logs.go, ReadLogs".to_owned(),
    })
}

/// The first that keep a cache of the Container Device Interface: one instance, and a watch for each of its two directories that
/// is there.
const CDI_IN_CONTAINERD: RuntimeVersion = RuntimeVersion { major: 2, minor: 0 };
const CDI_IN_DOCKER: RuntimeVersion = RuntimeVersion {
    major: 25,
    minor: 0,
};

fn daemon(asked: &Question) -> Term {
    let cni_and_cdi = |since| match asked.runtime_version {
        Some(version) if version < since => ("CNI configuration", Amounts::new(1, 1)),
        _ => ("CNI configuration, CDI", Amounts::new(2, 3)),
    };
    let (who, (why, amounts), basis, source) = match asked.runtime {
        NodeRuntime::Containerd => (
            "containerd",
            cni_and_cdi(CDI_IN_CONTAINERD),
            Basis::Measured,
            "1 / 1 by 1.6 and 1.7, 2 / 1 by 2.1; containerd internal/cri/server/cni_conf_syncer.go, CDI's cache from 2.0 on (containerd#9621)",
        ),
        NodeRuntime::CriO => (
            "CRI-O",
            ("CNI, hooks, certificates", Amounts::new(5, 10)),
            Basis::Assumed,
            "about five: ocicni, hooks, registries, certificates, CDI; not measured",
        ),
        NodeRuntime::Docker => (
            "dockerd and containerd",
            cni_and_cdi(CDI_IN_DOCKER),
            Basis::Measured,
            "0 by dockerd 20.10, 1 / 1 by its containerd; CDI's cache from 25 on, where it is switched on",
        ),
    };
    Term {
        who: who.to_owned(),
        why: why.to_owned(),
        instances: Formula::fixed(amounts.instances),
        watches: Formula::fixed(amounts.watches),
        basis,
        source: source.to_owned(),
    }
}

/// What waits for each container's end: on cgroup v1 by an eventfd, so nothing.
fn monitors(asked: &Question) -> Option<Term> {
    if asked.cgroup == Cgroup::V1 {
        return None;
    }
    let (who, files, why, source) = match asked.runtime {
        NodeRuntime::CriO => (
            "conmon",
            1,
            "1 and 1 a container, pause too",
            "containers/conmon src/cgroup.c, setup_oom_handling_cgroup_v2",
        ),
        NodeRuntime::Containerd | NodeRuntime::Docker => (
            "containerd shims",
            2,
            "1 and 2 a container, pause too",
            "containerd/cgroups cgroup2/manager.go, MemoryEventFD",
        ),
    };
    Some(Term {
        who: who.to_owned(),
        why: why.to_owned(),
        instances: Formula::sum(&[(1, asked.with_pause(), "containers")]),
        watches: Formula::sum(&[(files, asked.with_pause(), "containers")]),
        basis: Basis::Measured,
        source: source.to_owned(),
    })
}

/// PID 1 watches `cgroup.events` of each unit; on v2 `memory.events` of each service and scope as well.
fn systemd(asked: &Question) -> Term {
    let scopes = asked
        .with_pause()
        .saturating_add(conmon_scopes(asked, asked.with_pause()));
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
        source: "5 / 16 on a bare Debian 12; as many again for what distributions add".to_owned(),
    }
}

/// What was said that workloads take.
pub(super) fn extra(asked: &Question) -> Option<Term> {
    (asked.extra != Amounts::default()).then(|| Term {
        who: "workloads that run as root".to_owned(),
        why: "as given".to_owned(),
        instances: Formula::fixed(asked.extra.instances),
        watches: Formula::fixed(asked.extra.watches),
        basis: Basis::Given,
        source: "--extra-instances, --extra-watches".to_owned(),
    })
}
