use proptest::prelude::*;

use super::*;
use crate::model::{CollectorRun, InotifyResource};
use crate::testing::{Node, node};

/// A node on cgroup v2 with this many pods that hold this much each; and root's own process.
fn running(pods: u32, instances: u32, watches: u32, rest: u32) -> Node {
    let mut node = node()
        .cgroups_v2(20 + 2 * u64::from(pods), 0)
        .process(1, "init")
        .holds(rest, 3);
    for pod in 0..pods {
        let pid = 100 + pod;
        node = node
            .pod(pid, "app", &format!("web-{pod}"))
            .holds(instances, watches);
    }
    node
}

fn planned(node: &Node, pods: u64) -> Plan {
    let asked = Question {
        pods,
        ..Question::default()
    };
    plan_node(&asked, NodeOverrides::default(), &crate::view(&node.0), &[]).unwrap()
}

#[test]
fn a_pod_costs_what_was_measured() {
    let plan = planned(&running(4, 3, 10, 5), 8);
    let node = plan.node.as_ref().unwrap();
    assert_eq!((node.pods, node.instances.used), (4, 17));
    // 10 watches each in three instances, and two of cAdvisor on the cgroups of pod and pause container.
    let per_pod = node.per_pod.unwrap();
    assert_eq!((per_pod.instances, per_pod.watches), (3.0, 32.0));
    // 5 of the rest, 7 for a kubelet.
    assert_eq!(plan.needed.instances, 8 * 3 + 5 + 7);
    // (128 - 12) / 3 = 38 in all.
    assert_eq!(node.more_pods, Some(34));
    assert_eq!(plan.limits[1].binds, Some(InotifyResource::Instances));
}

#[test]
fn what_a_guard_keeps_is_no_room_for_pods() {
    use crate::model::GuardMode::{Enforce, Shadow};
    let node = |mode| {
        node()
            .process(1, "init")
            .pod(100, "app", "web-0")
            .holds(1, 100)
            .guarded(200, mode, 300)
    };
    let more = |mode| planned(&node(mode), 2).node.unwrap().more_pods;
    let (free, kept) = (more(Shadow).unwrap(), more(Enforce).unwrap());
    // A pod takes 100 of its own and 2 of cAdvisor, or none where cgroups are not known.
    assert!(free > kept && free - kept <= 3, "{free} {kept}");
    let live = &planned(&node(Enforce), 2).limits[1];
    assert_eq!(
        (live.name.as_str(), live.max_user_watches),
        ("this node", Some(1000))
    );
    assert_eq!(
        live.note.as_deref(),
        Some("a guard keeps the last 300 watches for the node: they do not count as room for pods")
    );
}

#[test]
fn another_users_pods_are_not_roots() {
    let user = crate::model::UserKey::initial(1000);
    let node = running(2, 1, 1, 0)
        .pod(500, "app", "other")
        .user(user)
        .holds(9, 9);
    let plan = planned(&node, 3);
    let named = plan
        .terms
        .iter()
        .find(|t| t.who.contains("workloads"))
        .unwrap();
    assert_eq!(named.amounts(), Pair::of(2, 2));
}

#[test]
fn a_running_kubelet_is_not_counted_twice() {
    let node = running(4, 1, 1, 0)
        .process(50, "kubelet")
        .holds(1, 40)
        .holds(5, 1);
    let plan = planned(&node, 4);
    assert_eq!(plan.needed.instances, plan.node.unwrap().instances.used);
    assert!(plan.notes.iter().all(|note| !note.contains("No kubelet")));
}

#[test]
fn one_pod_that_makes_the_average_is_named() {
    let node = running(4, 1, 1, 0)
        .pod(500, "promtail", "promtail")
        .holds(1, 900);
    let notes = planned(&node, 5).notes.join("\n");
    assert!(
        notes.contains("default/promtail holds 900 of the 904 watches"),
        "{notes}"
    );
    assert!(
        !planned(&running(4, 1, 1, 0), 5)
            .notes
            .join("\n")
            .contains("average")
    );
}

#[test]
fn a_limit_that_is_there_is_not_lowered() {
    let plan = planned(&running(1, 1, 1, 0).limits(65_536, 1 << 22), 1);
    assert_eq!(
        (
            plan.proposal.max_user_instances,
            plan.proposal.max_user_watches
        ),
        (65_536, 1 << 22)
    );
}

#[test]
fn what_was_not_seen_gives_no_plan() {
    let failed = node().with(|snapshot| snapshot.inotify = None);
    // An ordinary user can read the limits, and none of the processes that use them.
    let blind = running(4, 3, 10, 5).with(|snapshot| {
        snapshot.collectors.push(CollectorRun {
            name: "inotify".to_owned(),
            blind: true,
            ..CollectorRun::default()
        });
    });
    let asked = Question::default();
    for node in [failed, blind] {
        let view = crate::view(&node.0);
        let refused = plan_node(&asked, NodeOverrides::default(), &view, &[]);
        assert_eq!(refused.unwrap_err(), NodePlanError::Unreadable);
    }
}

#[test]
fn what_was_seen_in_part_is_said() {
    let notes = |node: Node| planned(&node, 8).notes;
    let says = |notes: &[String]| notes.iter().any(|note| note.contains("fewer pods may fit"));
    assert!(!says(&notes(running(4, 3, 10, 5))));
    let inside =
        running(4, 3, 10, 5).with(|snapshot| snapshot.vantage.initial_pid_namespace = false);
    assert!(says(&notes(inside)));
}

proptest! {
    #[test]
    fn needs_rise_with_pods_and_begin_with_what_is_used(
        pods in 0_u32..6, instances in 0_u32..4, watches in 0_u32..50, rest in 0_u32..9, asked in 0_u64..500
    ) {
        let node = running(pods, instances, watches, rest);
        let (less, more) = (planned(&node, asked), planned(&node, asked + 1));
        prop_assert!(more.needed.instances >= less.needed.instances);
        prop_assert!(more.needed.watches >= less.needed.watches);
        prop_assert_eq!(total(&less.terms), less.needed);
        let now = planned(&node, u64::from(pods));
        let used = now.node.as_ref().unwrap();
        // A kubelet's seven come on top.
        prop_assert_eq!(now.needed.instances, used.instances.used + 7);
        prop_assert!(now.needed.watches >= used.watches.used);
    }
}

#[test]
fn other_limits_grow_with_the_pods() {
    use crate::cause::Cause;
    use crate::model::Resource;
    use crate::report::Subject;

    let pid_max = |used| {
        Resource::exact(
            Cause::Pids,
            Subject::sysctl("kernel.pid_max"),
            used,
            32_768,
            "threads",
        )
    };
    let with = |pods: u32, used, then| {
        let node = running(pods, 1, 1, 0);
        let mut view = crate::view(&node.0);
        view.resources = vec![pid_max(used)];
        let asked = Question {
            pods: then,
            ..Question::default()
        };
        let plan = plan_node(&asked, NodeOverrides::default(), &view, &[]).unwrap();
        plan.other_limits
    };
    let short = with(10, 3_001, 100);
    assert_eq!(short.len(), 1);
    assert_eq!((short[0].expected, short[0].value), (30_010, Some(65_536)));
    assert!(with(10, 2_000, 100).is_empty());
    assert!(with(10, 3_001, 80).is_empty());
    // Nothing is known of what a pod takes.
    assert!(with(0, 30_000, 100).is_empty());
    let full = with(1, 32_000, u64::MAX);
    // A limit of 0 is no budget, and no share of a tiny one is too large to be one.
    let mut tiny = pid_max(u64::MAX);
    tiny.limit = 1;
    let mut off = tiny.clone();
    off.limit = 0;
    let node = running(1, 1, 1, 0);
    let mut view = crate::view(&node.0);
    for (resource, short) in [(tiny, 1), (off, 0)] {
        // Another budget of the same sysctl adds no line.
        view.resources = vec![pid_max(3), resource];
        let plan = plan_node(&Question::default(), NodeOverrides::default(), &view, &[]);
        let plan = plan.unwrap();
        assert_eq!(plan.other_limits.len(), short);
        let has_room = plan
            .notes
            .iter()
            .any(|note| note.starts_with("1 other limit would"));
        assert_eq!(has_room, short == 0, "{:?}", plan.notes);
    }
    // The kernel takes no more than 4,194,304.
    assert_eq!((full[0].expected, full[0].value), (u64::MAX, None));
}
