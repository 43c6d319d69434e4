//! Sums over users, processes, pods and containers.

use proptest::prelude::*;

use crate::model::{Provenance, UserCounters, UserKey};
use crate::report::{PodPart, Unattributed};
use crate::testing::{Node, container_id, node, pod_uid};

const CHILD: u64 = 4_026_532_200;
const ROOT: UserKey = UserKey {
    user_namespace: crate::model::INITIAL_USER_NAMESPACE,
    uid: 0,
};
const IN_CHILD: UserKey = UserKey {
    user_namespace: CHILD,
    uid: 100_000,
};

#[test]
fn proc_counts_are_estimates_against_the_sysctls() {
    let report = node().process(7, "tail").holds(2, 3).report();
    let root = &report.users[0];
    assert_eq!((root.instances.used, root.instances.limit), (2, Some(128)));
    assert_eq!((root.watches.used, root.watches.limit), (6, Some(8_192)));
    assert_eq!(root.watches.provenance, Provenance::Estimated);
    assert_eq!(root.unattributed, Unattributed::default());
    assert_eq!(root.draws_on, None);
}

#[test]
fn a_child_namespace_draws_on_its_creator() {
    let report = node()
        .child_namespace(CHILD, 0)
        .process(7, "tail")
        .holds(1, 10)
        .process(8, "node")
        .user(IN_CHILD)
        .holds(2, 100)
        .report();
    let root = report.users.iter().find(|u| u.uid == 0).unwrap();
    assert_eq!((root.instances.used, root.watches.used), (3, 210));
    let child = report.users.iter().find(|u| u.uid == 100_000).unwrap();
    assert_eq!((child.instances.used, child.watches.used), (2, 200));
    assert_eq!((child.instances.limit, child.watches.limit), (None, None));
    assert_eq!(child.draws_on.map(|u| u.uid), Some(0));
}

#[test]
fn counters_are_exact_and_tell_what_is_hidden() {
    let report = node()
        .child_namespace(CHILD, 0)
        .process(7, "tail")
        .holds(2, 3)
        .process(8, "node")
        .user(IN_CHILD)
        .holds(1, 4)
        .with(|s| {
            s.inotify.as_mut().unwrap().counters = Some(vec![UserCounters {
                key: ROOT,
                instances: 5,
                watches: 20,
                instances_limit: 128,
                watches_limit: 100,
            }]);
        })
        .report();
    let [root, child] = report.users.as_slice() else {
        panic!("{:?}", report.users);
    };
    assert_eq!(child.watches.provenance, Provenance::Estimated);
    assert_eq!(root.watches.provenance, Provenance::Exact);
    assert_eq!((root.instances.used, root.watches.limit), (5, Some(100)));
    assert_eq!(root.unattributed.instances, Some(2));
    assert_eq!(root.unattributed.watches, Some(10));
}

#[test]
fn a_shared_instance_is_listed_with_each_and_counted_once() {
    let report = node()
        .process(7, "parent")
        .holds(1, 5)
        .process(8, "child")
        .instance(ROOT, 20, &[7, 8])
        .report();
    assert_eq!(report.users[0].instances.used, 2);
    assert_eq!(report.users[0].watches.used, 25);
    let parent = report.processes.iter().find(|p| p.pid == 7).unwrap();
    assert_eq!((parent.instances, parent.watches), (2, 25));
    assert_eq!((parent.shared_instances, parent.shared_watches), (1, 20));
    let child = report.processes.iter().find(|p| p.pid == 8).unwrap();
    assert_eq!((child.instances, child.shared_instances), (1, 1));
}

#[test]
fn descriptors_of_one_process_share_nothing() {
    let report = node().process(7, "dup").instance(ROOT, 2, &[7, 7]).report();
    let process = &report.processes[0];
    assert_eq!((process.instances, process.shared_instances), (1, 0));
}

#[test]
fn a_pod_counts_an_instance_of_two_processes_once() {
    let report = node()
        .pod(7, "app", "web-0")
        .pod(8, "worker", "web-0")
        .instance(ROOT, 5, &[7, 8])
        .instance(ROOT, 1, &[8])
        .report();
    let [pod] = report.pods.as_slice() else {
        panic!("{:?}", report.pods);
    };
    assert_eq!(
        (pod.name.as_str(), pod.uid.as_str()),
        ("web-0", &*pod_uid("web-0"))
    );
    assert_eq!((pod.instances, pod.watches), (2, 6));
    let [container] = pod.containers.as_slice() else {
        panic!("{:?}", pod.containers);
    };
    assert_eq!((container.instances, container.watches), (2, 6));
    assert_eq!(container.part, PodPart::Container);
    assert_eq!(container.id, container_id("web-0"));
}

#[test]
fn a_shim_counts_for_its_pod() {
    let report = node()
        .pod(7, "app", "web-0")
        .holds(1, 3)
        .process(9, "containerd-shim")
        .cgroup("/system.slice/containerd.service")
        .with(|s| s.processes.last_mut().unwrap().serves = Some(container_id("web-0")))
        .with(|s| {
            s.containers.bundles.push(crate::model::Bundle {
                id: container_id("web-0"),
                cgroups_path: Some(format!(
                    "/kubepods/besteffort/pod{}/{}",
                    pod_uid("web-0"),
                    container_id("web-0")
                )),
                ..Default::default()
            });
        })
        .holds(1, 2)
        .report();
    let [pod] = report.pods.as_slice() else {
        panic!("{:?}", report.pods);
    };
    assert_eq!((pod.instances, pod.watches), (2, 5));
    let shim = pod.containers.iter().find(|c| c.part == PodPart::Shim);
    assert_eq!(shim.map(|c| (c.id.as_str(), c.watches)), Some(("", 2)));
}

#[test]
fn containers_outside_pods_stand_alone() {
    let report = node().docker(7, "node", "web").holds(2, 50).report();
    let [container] = report.containers.as_slice() else {
        panic!("{:?}", report.containers);
    };
    assert_eq!((container.instances, container.watches), (2, 100));
    assert!(report.pods.is_empty());
}

prop_compose! {
    /// Three pods, two containers and two host processes; instances held by any of them.
    fn nodes()(
        instances in prop::collection::vec(
            (any::<bool>(), 0_u32..50, prop::collection::vec(1_u32..9, 1..4)), 0..30),
    ) -> Node {
        let mut node = node()
            .child_namespace(CHILD, 0)
            .pod(1, "a", "a").pod(2, "a2", "a").pod(3, "b", "b").pod(4, "c", "c")
            .docker(5, "d", "d").docker(6, "e", "e")
            .process(7, "f").process(8, "g");
        for (child, watches, pids) in instances {
            node = node.instance(if child { IN_CHILD } else { ROOT }, watches, &pids);
        }
        node
    }
}

proptest! {
    #[test]
    fn every_instance_counts_once(node in nodes()) {
        let report = node.report();
        let instances = &node.0.inotify.as_ref().unwrap().instances;
        let all = instances.len() as u64;
        let watches: u64 = instances.iter().map(|i| u64::from(i.watches)).sum();
        if let Some(root) = report.users.iter().find(|u| u.uid == 0) {
            prop_assert_eq!((root.instances.used, root.watches.used), (all, watches));
        }
        for pod in &report.pods {
            prop_assert!(pod.instances <= all && pod.watches <= watches);
            for container in &pod.containers {
                prop_assert!(container.instances <= pod.instances);
                prop_assert!(container.watches <= pod.watches);
            }
        }
        for process in &report.processes {
            let own = instances.iter().filter(|i| i.holders.iter().any(|d| d.pid == process.pid));
            prop_assert_eq!(process.instances, own.count() as u64);
            prop_assert!(process.shared_instances + process.empty_instances <= 2 * process.instances);
        }
        // What nobody shares adds up exactly.
        let alone: u64 = report.processes.iter().map(|p| p.instances - p.shared_instances).sum();
        let single = instances.iter().filter(|i| {
            i.holders.iter().all(|d| d.pid == i.holders[0].pid)
        });
        prop_assert_eq!(alone, single.count() as u64);
    }
}
