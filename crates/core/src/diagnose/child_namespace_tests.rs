//! The rules about instances and watches, where user namespaces have limits of their own.

use super::inotify_tests::counters;
use crate::cause::Cause;
use crate::model::{UserCounters, UserKey};
use crate::report::Status;
use crate::testing::{commands, container_id, node};

/// A user of a child namespace.
const INSIDE: UserKey = UserKey {
    user_namespace: 4_026_532_200,
    uid: 100_000,
};

#[test]
fn a_child_namespace_has_a_sysctl_of_its_own() {
    let node = node()
        .child_namespace(INSIDE.user_namespace, 0)
        .process(7, "node")
        .user(INSIDE)
        .holds(1, 999)
        .with(|s| {
            let inotify = s.inotify.as_mut().unwrap();
            let root = counters(UserKey::initial(0), 1, 999);
            inotify.counters = Some(vec![
                counters(INSIDE, 1, 999),
                UserCounters {
                    watches_limit: 8_192,
                    ..root
                },
            ]);
        });
    let finding = node.finding("inotify-watches");
    assert_eq!(
        finding.title,
        "uid 100000 of user namespace 4026532200 has used 999 of 1,000 inotify watches (99 %)"
    );
    assert_eq!(
        commands(&finding)[0],
        "nsenter -t 7 -U sh -c '[ \"$(cat /proc/sys/user/max_inotify_watches)\" -ge 524288 ] || echo 524288 > /proc/sys/user/max_inotify_watches'"
    );
    assert!(finding.evidence[1].ends_with("counted against uid 0"));
}

/// A pod in a user namespace that root made gets what root has left: of nothing left, root's finding speaks.
#[test]
fn what_binds_a_child_namespace_is_named_once() {
    let with_root = |instances, of_child| {
        node()
            .child_namespace(INSIDE.user_namespace, 0)
            .process(7, "node")
            .user(INSIDE)
            .holds(1, 5)
            .with(move |s| {
                let inotify = s.inotify.as_mut().unwrap();
                let counted = |key, instances, instances_limit| UserCounters {
                    instances_limit,
                    ..counters(key, instances, 5)
                };
                inotify.counters = Some(vec![
                    counted(INSIDE, 1, of_child),
                    counted(UserKey::initial(0), instances, 128),
                ]);
            })
    };
    let titles = |instances, of_child| -> Vec<String> {
        let report = with_root(instances, of_child).report();
        let full = report.findings.into_iter();
        full.filter(|f| f.cause == Cause::InotifyInstances)
            .map(|f| f.title)
            .collect()
    };
    assert_eq!(
        titles(128, 1),
        ["uid 0 has used 128 of 128 inotify instances (100 %)"]
    );
    // With room above, its own limit is what binds.
    assert_eq!(
        titles(20, 1),
        ["uid 100000 of user namespace 4026532200 has used 1 of 1 inotify instance (100 %)"]
    );
    assert_eq!(titles(20, 109), [""; 0]);
}

#[test]
fn what_children_use_counts_against_their_creator() {
    let node = node()
        .child_namespace(INSIDE.user_namespace, 0)
        .docker(7, "node", "web")
        .user(INSIDE)
        .holds(120, 1);
    let finding = node.finding("inotify-instances");
    assert_eq!(
        finding.title,
        "uid 0 has used 120 of 128 inotify instances (93 %)"
    );
    assert!(finding.evidence[1].starts_with("120 of them belong to child user namespaces"));
    assert!(
        finding.blame.culprits()[0]
            .name
            .starts_with(&format!("container {}", &container_id("web")[..12]))
    );
}

#[test]
fn limits_that_proc_does_not_show_are_said_to_be_unknown() {
    let node = node()
        .child_namespace(INSIDE.user_namespace, 0)
        .process(7, "node")
        .user(INSIDE)
        .holds(1, 48);
    let finding = node.finding("child-limits");
    assert!(finding.title.starts_with("1 user namespace may"));
    assert_eq!(
        commands(&finding),
        ["nsenter -t 7 -U sysctl user.max_inotify_instances user.max_inotify_watches"]
    );
    // One of them may be used up.
    assert_eq!(node.report().status(), Status::Unknown);
}
