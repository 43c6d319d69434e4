//! What differs between versions of Kubernetes, with the source of each difference: [`KUBELETS`] and [`REMARKS`].

use super::{Cgroup, Version};
use crate::attribute::kubelet::{
    INSTANCES, INSTANCES_FROM_1_31, LESS_BEFORE_1_23, OTHER_WATCHES, OTHER_WATCHES_FROM_1_31,
};
use crate::model::Pair;

/// What a kubelet watches from one version on.
#[derive(Debug)]
pub struct KubeletVersion {
    /// The first such version.
    pub since: Version,
    /// Instances and watches for its own files, beside cAdvisor's.
    pub own: Pair<u64>,
    /// What these are for.
    pub why: &'static str,
    /// Hierarchies of cgroup v1 in which cAdvisor watches each cgroup, where the node has all of them.
    pub hierarchies: u64,
    /// Where that is from.
    pub source: &'static str,
}

/// Instances of cAdvisor: its raw factory's and its watcher's.
pub(super) const CADVISOR_INSTANCES: u64 = 2;
/// cpu and cpuacct, memory, blkio, pids, devices.
const HIERARCHIES: u64 = 5;
/// With hugetlb, cpuset and perf_event.
const HIERARCHIES_BEFORE_1_29: u64 = 8;

/// Every change, the oldest first.
pub static KUBELETS: [KubeletVersion; 4] = [
    KubeletVersion {
        since: Version::new(1, 0),
        own: Pair::of(
            INSTANCES - LESS_BEFORE_1_23 - CADVISOR_INSTANCES,
            OTHER_WATCHES - LESS_BEFORE_1_23,
        ),
        why: "static pods, plugins",
        hierarchies: HIERARCHIES_BEFORE_1_29,
        source: "static pods, flexvolumes, plugins (kubernetes pkg/kubelet/config/file_linux.go, pkg/volume/flexvolume/probe.go, \
                 pkg/kubelet/pluginmanager/pluginwatcher)",
    },
    KubeletVersion {
        since: Version::new(1, 23),
        own: Pair::of(INSTANCES - CADVISOR_INSTANCES, OTHER_WATCHES),
        why: "client CA, static pods, plugins",
        hierarchies: HIERARCHIES_BEFORE_1_29,
        source: "client CA from 1.23 on (apiserver pkg/server/dynamiccertificates)",
    },
    KubeletVersion {
        since: Version::new(1, 29),
        own: Pair::of(INSTANCES - CADVISOR_INSTANCES, OTHER_WATCHES),
        why: "client CA, static pods, plugins",
        hierarchies: HIERARCHIES,
        source: "cAdvisor 0.48, container/libcontainer/helpers.go, needSubsys",
    },
    KubeletVersion {
        since: Version::new(1, 31),
        own: Pair::of(
            INSTANCES_FROM_1_31 - CADVISOR_INSTANCES,
            OTHER_WATCHES_FROM_1_31,
        ),
        why: "client CA, static pods, plugins",
        hierarchies: HIERARCHIES,
        source: "serving certificate from 1.31 on (feature gate ReloadKubeletServerCertificateFile)",
    },
];

/// Versions of which a real kubelet was counted (docs/real-node.md).
pub const MEASURED: [Version; 4] = [
    Version::new(1, 20),
    Version::new(1, 28),
    Version::new(1, 36),
    Version::new(1, 37),
];

/// What a kubelet of this version watches.
#[must_use]
pub fn kubelet(version: Version) -> &'static KubeletVersion {
    let mut newest = KUBELETS.iter().rev();
    newest
        .find(|kubelet| kubelet.since <= version)
        .unwrap_or(&KUBELETS[0])
}

/// Something to know about some versions with one version of cgroups.
#[derive(Debug)]
pub struct Remark {
    /// The first such version.
    from: Version,
    /// The first one after them; `None` for all later ones.
    until: Option<Version>,
    cgroup: Cgroup,
    /// Follows `Kubernetes VERSION`.
    text: &'static str,
    source: &'static str,
}

/// Every remark.
static REMARKS: [Remark; 2] = [
    Remark {
        from: Version::new(1, 0),
        until: Some(Version::new(1, 25)),
        cgroup: Cgroup::V2,
        text: "has no stable support for cgroup v2; 1.25 is the first version that does",
        source: "KEP-2254",
    },
    Remark {
        from: Version::new(1, 35),
        until: None,
        cgroup: Cgroup::V1,
        text: "does not start on cgroup v1 unless its kubelet is configured with failCgroupV1: false",
        source: "KEP-5573",
    },
];

/// Notes on this version with these cgroups.
pub fn notes(version: Version, cgroup: Cgroup) -> impl Iterator<Item = String> {
    remarks(version, cgroup).chain(not_measured(version))
}

fn remarks(version: Version, cgroup: Cgroup) -> impl Iterator<Item = String> {
    let holds = move |remark: &&Remark| {
        remark.cgroup == cgroup
            && remark.from <= version
            && remark.until.is_none_or(|until| version < until)
    };
    let told = REMARKS.iter().filter(holds);
    told.map(move |remark| format!("Kubernetes {version} {} ({})", remark.text, remark.source))
}

/// The versions that were counted, and that this one may differ from them; `None` between them, where the sources were read.
fn not_measured(version: Version) -> Option<String> {
    let [first, between @ .., last] = &MEASURED;
    let between: String = between
        .iter()
        .map(|version| format!(", {version}"))
        .collect();
    (!(*first..=*last).contains(&version)).then(|| {
        format!("the kubelet's figures were measured on {first}{between} and {last}; {version} may differ")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_has_what_it_holds() {
        let of = |minor| {
            let kubelet = kubelet(Version::new(1, minor));
            (
                kubelet.own.instances + CADVISOR_INSTANCES,
                kubelet.own.watches,
                kubelet.hierarchies,
            )
        };
        assert_eq!(of(20), (5, 3, 8));
        assert_eq!(of(23), (6, 4, 8));
        assert_eq!(of(28), (6, 4, 8));
        assert_eq!(of(29), (6, 4, 5));
        for (minor, why) in [
            (22, "static pods, plugins"),
            (23, "client CA, static pods, plugins"),
        ] {
            assert_eq!(kubelet(Version::new(1, minor)).why, why);
        }
        for minor in [31, 36, 37, 50] {
            assert_eq!(of(minor), (7, 6, 5));
        }
        assert!(KUBELETS.is_sorted_by_key(|kubelet| kubelet.since));
        assert!(MEASURED.is_sorted());
    }

    #[test]
    fn cgroups_that_a_version_does_not_take_are_noted() {
        let count = |cgroup, minor| notes(Version::new(1, minor), cgroup).count();
        for (cgroup, minor, expected) in [
            (Cgroup::V2, 24, 1),
            (Cgroup::V2, 33, 0),
            (Cgroup::V2, 37, 0),
            (Cgroup::V2, 38, 1),
            (Cgroup::V1, 34, 0),
            (Cgroup::V1, 35, 1),
            (Cgroup::V1, 37, 1),
        ] {
            assert_eq!(count(cgroup, minor), expected, "1.{minor}");
        }
    }

    #[test]
    fn only_versions_beyond_the_measured_may_differ() {
        for (minor, differs) in [
            (19, true),
            (20, false),
            (33, false),
            (37, false),
            (38, true),
        ] {
            assert_eq!(
                not_measured(Version::new(1, minor)).is_some(),
                differs,
                "1.{minor}"
            );
        }
    }
}
