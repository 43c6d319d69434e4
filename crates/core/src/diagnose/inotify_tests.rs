//! The rules about instances and watches.

use crate::cause::Cause;
use crate::model::{INITIAL_USER_NAMESPACE, Provenance, UserCounters, UserKey};
use crate::report::{Rule, Severity, Status, Subject};
use crate::testing::{Node, captions, commands, node, setting};

/// A node that promtail has nearly filled.
fn pressed() -> Node {
    node()
        .process(1, "systemd")
        .cgroup("/init.scope")
        .holds(4, 10)
        .process(20, "containerd")
        .cgroup("/system.slice/containerd.service")
        .holds(2, 1)
        .pod(30, "promtail", "promtail-x")
        .holds(110, 5)
        .pod(31, "app", "web-0")
        .holds(6, 2)
}

#[test]
fn an_idle_node_has_nothing_to_say() {
    let node = node()
        .process(1, "systemd")
        .holds(4, 10)
        .cgroups_v2(200, 10)
        .pod(30, "app", "web-0")
        .holds(1, 2);
    assert_eq!(node.rules(), Vec::<String>::new());
    assert!(node.report().status().is_well());
}

#[test]
fn pressure_begins_at_80_percent_and_is_critical_at_95() {
    let at = |n| node().process(7, "tail").holds(n, 0).limits(100, 8_192);
    let severity = |n| {
        let findings = at(n).findings("inotify-instances");
        findings.first().map(|f| f.severity)
    };
    assert_eq!(severity(79), None);
    assert_eq!(severity(80), Some(Severity::Warning));
    assert_eq!(severity(94), Some(Severity::Warning));
    assert_eq!(severity(95), Some(Severity::Critical));
    assert_eq!(severity(100), Some(Severity::Critical));
    assert_eq!(at(95).report().status(), Status::Critical);
}

#[test]
fn a_title_for_the_tired() {
    let finding = node()
        .process(7, "tail")
        .holds(126, 0)
        .finding("inotify-instances");
    assert_eq!(
        finding.title,
        "uid 0 has used 126 of 128 inotify instances (98 %)"
    );
    assert_eq!(finding.cause, Cause::InotifyInstances);
    assert!(finding.evidence[0].contains("estimated: counted from /proc"));
}

#[test]
fn who_holds_and_who_is_refused() {
    let finding = pressed().finding("inotify-instances");
    assert_eq!(
        captions(finding.blame.culprits()),
        ["pod default/promtail-x: 110 instances, 550 watches; promtail (pid 30)"]
    );
    let pods = finding.blame.pods().iter();
    let pods: Vec<_> = pods.map(|p| (&*p.namespace, &*p.name)).collect();
    assert_eq!(pods, [("default", "promtail-x")]);
    assert_eq!(finding.subject, Subject::uid(0));
    assert_eq!(
        finding.victims,
        [
            "containerd (pid 20, containerd.service)",
            "systemd (pid 1, init.scope)",
            "pod default/web-0",
        ]
    );
}

#[test]
fn a_process_that_holds_nothing_is_refused_all_the_same() {
    let finding = pressed()
        .process(40, "kubelet")
        .finding("inotify-instances");
    assert_eq!(finding.victims[0], "kubelet (pid 40)");
    let other = UserKey::initial(1_000);
    let finding = pressed()
        .process(40, "kubelet")
        .user(other)
        .finding("inotify-instances");
    assert!(!finding.victims.iter().any(|v| v.contains("kubelet")));
}

#[test]
fn what_is_lost_quietly_is_said() {
    let critical = pressed().limits(124, 8_192).process(40, "kubelet");
    let lost = |node: Node| {
        let victims = node.finding("inotify-instances").victims;
        victims
            .iter()
            .filter(|v| v.contains("OOM events") || v.contains("logs -f"))
            .count()
    };
    assert_eq!(lost(critical.clone().cgroups_v2(100, 0)), 2);
    assert_eq!(lost(critical.cgroups_v1(&["memory"], 100)), 1);
    assert_eq!(
        lost(
            pressed()
                .limits(140, 8_192)
                .process(40, "kubelet")
                .cgroups_v2(9, 0)
        ),
        0
    );
}

#[test]
fn remedies_raise_now_and_for_good() {
    let finding = pressed().equipped().finding("inotify-instances");
    assert_eq!(
        commands(&finding),
        [
            "nospace tune --apply",
            "sysctl -w fs.inotify.max_user_instances=8192",
            "printf 'fs.inotify.max_user_instances = 8192\\n' > /etc/sysctl.d/99-zz-fs.inotify.max_user_instances.conf",
            "kubectl -n default get pod promtail-x -o wide",
            "ctr plugins ls | grep -Eq 'cri.*error' && systemctl restart containerd",
        ]
    );
}

/// Seen on a real node: started while instances were used up, containerd holds none.
#[test]
fn a_containerd_that_holds_nothing_is_to_be_restarted_too() {
    let told = |namespace: &str| {
        let node = node().process(30, "hog").holds(128, 0).with(|s| {
            s.containers.bundles.push(crate::model::Bundle {
                runtime: crate::model::Runtime::Containerd,
                runtime_namespace: namespace.to_owned(),
                ..crate::model::Bundle::default()
            });
        });
        let finding = node.equipped().finding("inotify-instances");
        commands(&finding)
            .iter()
            .any(|c| c.contains("restart containerd"))
    };
    assert!(told("k8s.io"));
    assert!(!told("moby"));
}

#[test]
fn a_line_that_wins_at_boot_is_changed_in_place() {
    let key = "fs.inotify.max_user_instances";
    let node = pressed().setting(setting(key, "128", Some(("128", "/etc/sysctl.conf", 7))));
    assert_eq!(
        commands(&node.finding("inotify-instances"))[2],
        "sed -i '7c fs.inotify.max_user_instances = 8192' /etc/sysctl.conf"
    );
    let node = pressed().setting(setting(
        key,
        "128",
        Some(("128", "/usr/lib/sysctl.d/50.conf", 7)),
    ));
    assert!(commands(&node.finding("inotify-instances"))[2].starts_with("printf "));
}

#[test]
fn a_proposal_is_twice_the_use_and_never_lower() {
    let node = node()
        .limits(20_000, 1_000_000)
        .process(7, "tail")
        .holds(19_000, 50);
    let finding = node.finding("inotify-instances");
    assert_eq!(
        commands(&finding)[1],
        "sysctl -w fs.inotify.max_user_instances=65536"
    );
    let finding = node.finding("inotify-watches");
    assert_eq!(
        commands(&finding)[1],
        "sysctl -w fs.inotify.max_user_watches=2097152"
    );
}

pub(super) fn counters(key: UserKey, instances: u64, watches: u64) -> UserCounters {
    UserCounters {
        key,
        instances,
        watches,
        instances_limit: 128,
        watches_limit: 1_000,
    }
}

#[test]
fn the_kernels_own_number_and_what_it_hides() {
    let node = node().process(7, "tail").holds(1, 400).with(|s| {
        let inotify = s.inotify.as_mut().unwrap();
        inotify.counters = Some(vec![counters(UserKey::initial(0), 2, 990)]);
    });
    let finding = node.finding("inotify-watches");
    assert_eq!(
        finding.title,
        "uid 0 has used 990 of 1,000 inotify watches (99 %)"
    );
    assert!(finding.evidence[0].contains("exact: the kernel's own counter"));
    assert!(finding.evidence[1].starts_with("590 of these have no visible holder"));
}

#[test]
fn pods_that_share_a_budget() {
    let finding = pressed().finding("shared-budget");
    assert_eq!(finding.severity, Severity::Warning);
    assert_eq!(
        finding.title,
        "2 pods and containers share the 128 inotify instances of uid 0; pod default/promtail-x holds 110"
    );
    assert!(finding.victims.contains(&"pod default/web-0".to_owned()));
    // One pod alone shares with nobody, and two that take little do no harm.
    let alone = node().pod(30, "promtail", "promtail-x").holds(70, 0);
    assert_eq!(alone.rules(), ["leaked-instances", "dominant-holder"]);
    let little = node()
        .pod(30, "a", "a")
        .holds(30, 1)
        .pod(31, "b", "b")
        .holds(30, 1);
    assert_eq!(little.rules(), Vec::<String>::new());
    // The host's own process is what fills it.
    let host = node()
        .process(9, "java")
        .holds(1, 8_000)
        .pod(30, "a", "a")
        .holds(1, 5)
        .pod(31, "b", "b")
        .holds(1, 5);
    assert_eq!(host.rules(), ["inotify-watches"]);
}

#[test]
fn a_holder_of_more_than_half_the_limit() {
    let node = node().process(9, "java").holds(1, 4_097);
    let finding = node.finding("dominant-holder");
    assert_eq!(finding.severity, Severity::Info);
    assert_eq!(
        finding.title,
        "java (pid 9) alone holds 4,097 of the 8,192 inotify watches of uid 0 (50 %)"
    );
    assert!(node.report().status().is_well());
    let half = crate::testing::node().process(9, "java").holds(1, 4_096);
    assert_eq!(half.rules(), Vec::<String>::new());
    // Under pressure it is evidence there.
    let pressed = crate::testing::node().process(9, "java").holds(1, 7_000);
    assert_eq!(pressed.rules(), ["inotify-watches"]);
    let evidence = &pressed.finding("inotify-watches").evidence[1];
    assert!(
        evidence.starts_with("java (pid 9) alone holds 85 % of the limit"),
        "{evidence}"
    );
}

#[test]
fn culprits_are_those_who_matter() {
    let culprits = |held: &[u32]| {
        let mut node = node().limits(100, 8_192);
        for (pid, n) in (10..).zip(held) {
            node = node.process(pid, "a").holds(*n, 1);
        }
        node.finding("inotify-instances").blame.culprits().len()
    };
    assert_eq!(culprits(&[95, 1, 1]), 1);
    assert_eq!(culprits(&[50, 20, 20, 5, 1]), 1);
    assert_eq!(culprits(&[30, 30, 30]), 3);
    assert_eq!(culprits(&[24, 24, 24, 24]), 0);
    assert_eq!(culprits(&[5; 19]), 0);
}

#[test]
fn a_small_node_is_offered_no_more_than_it_can_hold() {
    let with_memory = |gib: u64| {
        let node = pressed().limits(8_192, 600);
        let node = node.with(|s| s.node.memory_bytes = Some(gib << 30));
        commands(&node.finding("inotify-watches"))[1].to_owned()
    };
    assert_eq!(
        with_memory(16),
        "sysctl -w fs.inotify.max_user_watches=524288"
    );
    assert_eq!(
        with_memory(1),
        "sysctl -w fs.inotify.max_user_watches=262144"
    );
}

#[test]
fn instances_that_watch_nothing() {
    let node = |n| {
        node()
            .process(9, "leaky")
            .cgroup("/system.slice/leaky.service")
            .holds(n, 0)
    };
    assert_eq!(node(9).rules(), Vec::<String>::new());
    let finding = node(10).finding("leaked-instances");
    assert_eq!(finding.severity, Severity::Info);
    assert_eq!(commands(&finding), ["systemctl status leaky.service"]);
    assert_eq!(
        node(32).finding("leaked-instances").severity,
        Severity::Warning
    );
    // Most of them work: no leak.
    let busy = node(10).holds(20, 5);
    assert_eq!(busy.rules(), Vec::<String>::new());
}

#[test]
fn critical_comes_first() {
    let node = pressed().limits(8_192, 600).setting(setting(
        "fs.inotify.max_user_watches",
        "600",
        Some(("8192", "/etc/sysctl.conf", 1)),
    ));
    let findings = node.report().findings;
    assert_eq!(findings[0].rule, Rule::Exhaustion(Cause::InotifyWatches));
    assert!(findings.windows(2).all(|w| w[0].severity >= w[1].severity));
}

#[test]
fn without_inotify_nothing_can_be_said() {
    let node = node().with(|s| {
        s.inotify = None;
        s.collectors[0].error = Some("/proc: permission denied".to_owned());
        s.collectors[0].provenance = Provenance::Unavailable;
    });
    let report = node.report();
    assert_eq!(report.status(), Status::Unknown);
    let finding = node.finding("blind");
    assert_eq!(finding.severity, Severity::Info);
    assert!(finding.title.contains("permission denied"));
}

#[test]
fn a_gap_is_said_and_changes_nothing() {
    let gap = "3 processes of other users could not be looked into; run as root".to_owned();
    let node = node().with(|s| s.collectors[0].gaps.push(gap.clone()));
    assert!(node.report().status().is_well());
    assert_eq!(node.finding("blind").evidence, [gap]);
}

#[test]
fn without_limits_nothing_can_be_said() {
    let report = node().with(|s| s.limits = None).report();
    assert_eq!(report.status(), Status::Unknown);
    assert_eq!(report.users[0].user_namespace, INITIAL_USER_NAMESPACE);
    assert_eq!(report.users[0].instances.limit, None);
}
