//! Would the kubelet start now?

use crate::model::{CollectorRun, Environment, KubeletConfig, UserCounters, UserKey};
use crate::report::{KubeletStart, Severity, StartVerdict, Unseen};
use crate::testing::{Node, node};

/// As most distributions mount v1: cpu and cpuacct together.
const HIERARCHIES: [&str; 11] = [
    "cpu,cpuacct",
    "memory",
    "blkio",
    "pids",
    "devices",
    "cpuset",
    "hugetlb",
    "perf_event",
    "freezer",
    "net_cls,net_prio",
    "name=systemd",
];

/// Everything that takes an instance.
const ALL: KubeletConfig = KubeletConfig {
    static_pods: true,
    client_ca: true,
    serving_certificate: true,
};

fn forecast(node: &Node) -> KubeletStart {
    node.report().forecast.kubelet_start.unwrap()
}

/// A node whose uid 0 has this much free, with a pod that takes the rest.
fn with_free(node: Node, instances: u64, watches: u64) -> Node {
    let limits = node.0.limits.clone().unwrap();
    node.pod(30, "app", "web-0").with(|s| {
        s.node.kubelet = Some(ALL);
        s.inotify.as_mut().unwrap().counters = Some(vec![UserCounters {
            key: UserKey::initial(0),
            instances: limits.max_user_instances - instances,
            watches: limits.max_user_watches - watches,
            instances_limit: limits.max_user_instances,
            watches_limit: limits.max_user_watches,
        }]);
    })
}

#[test]
fn on_v2_one_watch_a_directory_but_mounts() {
    let forecast = forecast(&node().cgroups_v2(200, 20));
    assert_eq!(forecast.watches_needed, 180 + 6);
    assert_eq!(forecast.instances_needed, 7);
    assert_eq!(
        (forecast.watches_free, forecast.instances_free),
        (8_192, 128)
    );
    assert_eq!(forecast.verdict, StartVerdict::Starts);
    assert!(forecast.basis.starts_with("cgroup v2: 180 directories"));
}

#[test]
fn a_kubelet_in_a_container_watches_the_cgroups_that_it_sees() {
    let node = node().cgroups_v2(200, 20).with(|s| {
        let cgroups = s.cgroups.as_mut().unwrap();
        let mut seen = cgroups.hierarchies.clone();
        seen[0].directories = 36;
        cgroups.of_kubelet = seen;
    });
    assert_eq!(forecast(&node).watches_needed, 16 + 6);
}

#[test]
fn on_v1_the_longer_list_where_no_kubelet_shows_it() {
    let forecast = forecast(&node().cgroups_v1(&HIERARCHIES, 100));
    assert_eq!(forecast.watches_needed, 8 * 100 + 6);
    assert!(forecast.basis.contains("before Kubernetes 1.29"));
}

#[test]
fn on_v1_the_running_kubelet_shows_which_list() {
    let with = |held| {
        let node = node().cgroups_v1(&HIERARCHIES, 100).process(9, "kubelet");
        forecast(&node.holds(5, 1).holds(1, held))
    };
    assert_eq!(with(490).watches_needed, 5 * 100 + 5);
    assert_eq!(with(780).watches_needed, 8 * 100 + 5);
}

#[test]
fn what_the_kubelet_alone_holds_is_given_back() {
    let root = UserKey::initial(0);
    let node = node()
        .cgroups_v2(100, 0)
        .process(9, "kubelet")
        .holds(6, 10)
        .process(10, "helper")
        .instance(root, 7, &[9, 10]);
    let forecast = forecast(&node);
    assert_eq!(forecast.kubelet_pid, Some(9));
    assert_eq!(
        (forecast.instances_given_back, forecast.watches_given_back),
        (6, 60)
    );
    assert_eq!(
        (forecast.instances_free, forecast.watches_free),
        (128 - 7 + 6, 8_192 - 67 + 60)
    );
}

#[test]
fn without_room_it_fails_and_at_the_edge_barely_starts() {
    let verdict = |instances, watches| {
        let node = with_free(node().cgroups_v2(100, 4), instances, watches);
        let severity = node.findings("kubelet-start").first().map(|f| f.severity);
        (forecast(&node).verdict, severity)
    };
    assert_eq!(
        verdict(100, 98),
        (StartVerdict::Fails, Some(Severity::Critical))
    );
    // Enough before 1.31.
    assert_eq!(verdict(100, 99).0, StartVerdict::Unknown);
    assert_eq!(
        verdict(100, 101),
        (StartVerdict::Barely, Some(Severity::Warning))
    );
    assert_eq!(
        verdict(100, 112),
        (StartVerdict::Barely, Some(Severity::Warning))
    );
    assert_eq!(verdict(100, 113), (StartVerdict::Starts, None));
    assert_eq!(
        verdict(4, 8_000),
        (StartVerdict::Fails, Some(Severity::Critical))
    );
    assert_eq!(verdict(5, 8_000).0, StartVerdict::Unknown);
    assert_eq!(
        verdict(6, 8_000),
        (StartVerdict::Barely, Some(Severity::Warning))
    );
    assert_eq!(verdict(8, 8_000), (StartVerdict::Starts, None));
}

#[test]
fn what_a_kubelet_holds_is_what_it_needs() {
    let verdict = |polled_ca: bool, room: u64| {
        let node = node().cgroups_v1(&HIERARCHIES, 100).process(9, "kubelet");
        // One older than 1.23 does not watch its client CA.
        let own = if polled_ca { 3 } else { 4 };
        let node = node.holds(own, 1).holds(1, 0).holds(1, 797);
        let given_back = 797 + u64::from(own);
        let forecast = forecast(&with_free(node, 100, room - given_back));
        assert_eq!(
            (forecast.watches_needed, forecast.watches_free),
            (800 + u64::from(own), room)
        );
        assert_eq!(forecast.instances_needed, u64::from(own) + 2);
        forecast.verdict
    };
    assert_eq!(verdict(false, 803), StartVerdict::Barely);
    assert_eq!(verdict(false, 802), StartVerdict::Fails);
    assert_eq!(verdict(true, 802), StartVerdict::Barely);
    assert_eq!(verdict(true, 801), StartVerdict::Fails);
}

#[test]
fn a_kubelet_that_does_not_run_needs_what_it_is_configured_for() {
    let verdict = |config, instances| {
        let node = with_free(node().cgroups_v2(100, 4), instances, 8_000);
        let start = forecast(&node.with(|s| s.node.kubelet = config));
        (start.instances_needed, start.verdict)
    };
    let least = KubeletConfig {
        static_pods: false,
        client_ca: false,
        serving_certificate: false,
    };
    assert_eq!(verdict(Some(least), 4), (4, StartVerdict::Barely));
    assert_eq!(verdict(Some(least), 5), (4, StartVerdict::Starts));
    assert_eq!(verdict(Some(least), 2), (4, StartVerdict::Fails));
    assert_eq!(verdict(Some(ALL), 4), (7, StartVerdict::Fails));
    // Before 1.31, and without the plugin registry's, 5 are enough.
    assert_eq!(verdict(Some(ALL), 5), (7, StartVerdict::Unknown));
    // Without its configuration it is not known which of the two it is.
    assert_eq!(verdict(None, 4), (7, StartVerdict::Unknown));
    assert_eq!(verdict(None, 2), (7, StartVerdict::Fails));
    assert_eq!(verdict(None, 8), (7, StartVerdict::Starts));
}

#[test]
fn a_kubelet_in_its_first_minute_may_take_more() {
    let start = |age: u64, config| {
        let node = node().cgroups_v2(30, 0).process(9, "kubelet").holds(4, 10);
        forecast(&node.with(|s| {
            s.processes[0].start_ticks = 5_000;
            s.node.uptime_ticks = Some(5_000 + age);
            s.node.kubelet = config;
        }))
    };
    let later = start(60 * 100, Some(ALL));
    assert!(!later.starting && later.instances_needed == 4);
    let now = start(300, Some(ALL));
    assert!(now.starting && now.instances_needed == 7);
    assert_eq!(now.instances_given_back, 4);
    assert_eq!(start(300, None).instances_needed, 7);
}

/// A k3s server, kubelite or edgecore: what it holds beyond a kubelet it needs for its start too.
#[test]
fn what_runs_beside_the_kubelet_is_needed_as_well() {
    let start = |comm: &str, age: u64, left: u64| {
        let node = node().cgroups_v2(30, 0).process(9, comm).holds(14, 1);
        forecast(&with_free(node.holds(1, 30), left, 8_000).with(|s| {
            s.processes[0].start_ticks = 5_000;
            s.node.uptime_ticks = Some(5_000 + age);
        }))
    };
    let minute = 60 * 100;
    for comm in ["k3s", "k3s-server", "kubelite", "microshift", "edgecore"] {
        let measured = start(comm, minute, 0);
        assert_eq!(
            (measured.instances_needed, measured.verdict),
            (15, StartVerdict::Barely),
            "{comm}"
        );
        assert!(measured.basis.contains("in the same process"), "{comm}");
        let bounded = start(comm, minute - 1, 100);
        assert_eq!(bounded.verdict, StartVerdict::Unknown, "{comm}");
        assert!(
            matches!(bounded.unseen[..], [Unseen::BesideKubelet { .. }]),
            "{comm}: {:?}",
            bounded.unseen
        );
        assert!(bounded.basis.contains("at least 15 instances"), "{comm}");
    }
    assert_eq!(start("kubelet", minute, 0).instances_needed, 7);
}

/// Enough for a kubelet may be too little for all of K3s: only the refusal is certain.
#[test]
fn a_k3s_that_does_not_run_needs_more_than_a_kubelet() {
    let verdict = |services: &[&str], instances| {
        let node = with_free(node().cgroups_v2(100, 4), instances, 8_000);
        let services = services.iter().map(|s| (*s).to_owned()).collect();
        let environment = Environment {
            services,
            ..Environment::default()
        };
        forecast(&node.with(|s| s.environment = Some(environment))).verdict
    };
    for services in [
        &["k3s"][..],
        &["k3s-agent"],
        &["snap.microk8s.daemon-kubelite"],
        // It may be either.
        &["kubelet", "k3s"],
        &["k3s", "k0sworker"],
    ] {
        let (room, none) = (verdict(services, 50), verdict(services, 4));
        assert_eq!(room, StartVerdict::Unknown, "{services:?}");
        assert_eq!(none, StartVerdict::Fails, "{services:?}");
    }
    for services in [&["kubelet"][..], &["rke2-server"], &[]] {
        assert_eq!(verdict(services, 50), StartVerdict::Starts, "{services:?}");
    }
}

#[test]
fn the_finding_says_what_is_short() {
    let node = with_free(node().cgroups_v2(900, 4), 40, 12);
    let finding = node.finding("kubelet-start");
    for part in ["would fail", "needs 902 inotify watches", "only 12 left"] {
        assert!(finding.title.contains(part), "{}", finding.title);
    }
    assert_eq!(finding.remedies[0].command, "nospace tune --apply");
    assert_eq!(
        finding.remedies[1].command,
        "sysctl -w fs.inotify.max_user_watches=524288"
    );
    assert_eq!(node.rules()[0], "kubelet-start");
    let node = with_free(crate::testing::node().cgroups_v2(10, 0), 3, 4_000);
    let finding = node.finding("kubelet-start");
    assert!(
        finding
            .title
            .contains("needs 7 inotify instances, but uid 0 has only 3")
    );
}

#[test]
fn a_machine_without_kubernetes_has_no_forecast_finding() {
    let node = node().cgroups_v2(9_000, 0);
    assert_eq!(forecast(&node).verdict, StartVerdict::Fails);
    assert!(node.findings("kubelet-start").is_empty());
}

#[test]
fn unknown_where_cgroups_or_limits_are() {
    let unknown = |node: Node| node.report().forecast.kubelet_start.is_none();
    assert!(unknown(node()));
    assert!(unknown(node().cgroups_v2(1, 0).with(|s| s.limits = None)));
    assert!(unknown(node().cgroups_v2(1, 0).with(|s| s.inotify = None)));
    assert!(unknown(node().cgroups_v1(&["freezer"], 1)));
}

/// A user namespace that uid 0 created, and its root.
const INSIDE: UserKey = UserKey {
    user_namespace: 5,
    uid: 100_000,
};

/// A kubelet that is charged to `key`.
fn kubelet_of(key: UserKey) -> Node {
    node()
        .cgroups_v2(30, 0)
        .child_namespace(INSIDE.user_namespace, 0)
        .process(9, "kubelet")
        .user(key)
        .holds(7, 5)
}

#[test]
fn judged_by_the_account_that_it_is_charged_to() {
    let other = UserKey::initial(1_000);
    // Root's account is used up, and is none of its business.
    let counters = |key, instances| UserCounters {
        key,
        instances,
        watches: 128,
        instances_limit: 128,
        watches_limit: 8_192,
    };
    let node = kubelet_of(other).process(3, "hog").holds(128, 1).with(|s| {
        let inotify = s.inotify.as_mut().unwrap();
        inotify.counters = Some(vec![counters(UserKey::initial(0), 128), counters(other, 7)]);
    });
    let forecast = forecast(&node);
    assert_eq!(forecast.verdict, StartVerdict::Starts);
    assert_eq!(UserKey::from(forecast.account), other);
    assert_eq!(forecast.instances_free, 128);
}

#[test]
fn the_creators_account_refuses_as_well() {
    let inside = |used| {
        let node = kubelet_of(INSIDE).process(3, "hog").holds(used, 1);
        node.with(|s| {
            let counters = |key, instances, limit| UserCounters {
                key,
                instances,
                watches: instances,
                instances_limit: limit,
                watches_limit: 8_192,
            };
            let used = u64::from(used);
            let root = counters(UserKey::initial(0), used + 7, 128);
            let own = counters(INSIDE, 7, 128 - used);
            s.inotify.as_mut().unwrap().counters = Some(vec![root, own]);
        })
    };
    assert_eq!(forecast(&inside(1)).verdict, StartVerdict::Starts);
    let forecast = forecast(&inside(121));
    assert_eq!(forecast.verdict, StartVerdict::Barely);
    assert_eq!(forecast.instances_free, 7);
    assert_eq!(UserKey::from(forecast.account), UserKey::initial(0));
}

#[test]
fn a_limit_that_was_lowered_below_what_is_in_use_refuses() {
    let start = forecast(&kubelet_of(UserKey::initial(0)).limits(128, 20));
    assert_eq!(start.watches_given_back, 35);
    assert_eq!(
        (start.watches_free, start.verdict),
        (20, StartVerdict::Fails)
    );
}

#[test]
fn unknown_where_an_account_is_out_of_sight() {
    // /proc does not show the limits of a child namespace.
    let start = forecast(&kubelet_of(INSIDE));
    assert_eq!(start.verdict, StartVerdict::Unknown);
    let limits = Unseen::ChildLimits { user_namespace: 5 };
    assert_eq!(start.unseen, [limits]);
    // Nor, from within, the accounts above.
    let guest = |watches| {
        kubelet_of(INSIDE).with(|s| {
            s.vantage.user_namespace = Some(INSIDE.user_namespace);
            s.vantage.max_inotify_instances = Some(1_000);
            s.vantage.max_inotify_watches = Some(watches);
            s.inotify.as_mut().unwrap().user_namespaces.clear();
        })
    };
    let start = forecast(&guest(1_000));
    assert_eq!(start.verdict, StartVerdict::Unknown);
    assert_eq!(start.unseen, [Unseen::Ancestors]);
    // That its own has no room is known.
    assert_eq!(forecast(&guest(20)).verdict, StartVerdict::Fails);
}

#[test]
fn a_process_may_have_been_another_user_when_it_was_charged() {
    let two = |other| {
        let node = node().cgroups_v2(30, 0).process(3, "hog").holds(60, 1);
        node.process(4, "changed")
            .user(UserKey::initial(7))
            .holds(other, 1)
    };
    let start = forecast(&two(62));
    assert_eq!(start.verdict, StartVerdict::Unknown);
    assert_eq!(start.unseen, [Unseen::ChargedUsers]);
    assert_eq!(forecast(&two(60)).verdict, StartVerdict::Starts);
    // The next call is refused for certain to nobody, and perhaps to root.
    assert!(two(67).report().status().is_well());
    assert_eq!(two(68).report().unseen[..], [Unseen::ChargedUsers]);
}

#[test]
fn unknown_to_nobody() {
    let blind = |used| {
        let node = node().cgroups_v2(30, 0).process(3, "hog").holds(used, 1);
        node.with(|s| {
            s.vantage.uid = 65_534;
            s.collectors[0].blind = true;
        })
    };
    let start = forecast(&blind(2));
    assert_eq!(start.verdict, StartVerdict::Unknown);
    assert_eq!(start.unseen, [Unseen::OtherUsers { as_root: false }]);
    let root = blind(2).report().users.remove(0);
    assert_eq!(root.instances.percent(), None);
    // What is in sight is the least that is used.
    assert_eq!(blind(128).report().users[0].instances.percent(), Some(100));
    assert_eq!(forecast(&blind(128)).verdict, StartVerdict::Fails);
}

#[test]
fn cgroups_that_were_not_all_counted_leave_room_unknown() {
    let cut = |directories| {
        node().cgroups_v2(directories, 0).with(|s| {
            s.collectors.push(CollectorRun {
                name: "cgroups".to_owned(),
                partial: true,
                ..CollectorRun::default()
            });
        })
    };
    assert_eq!(forecast(&cut(30)).verdict, StartVerdict::Unknown);
    assert_eq!(forecast(&cut(9_000)).verdict, StartVerdict::Fails);
}
