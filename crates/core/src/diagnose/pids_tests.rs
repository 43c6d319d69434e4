//! What is said of processes and threads.

use crate::model::{Pids, PidsCgroup};
use crate::report::Severity;
use crate::testing::{Node, commands, node};

fn with_pids(threads: u64, cgroups: Vec<PidsCgroup>) -> Node {
    node().with(|s| {
        s.pids = Some(Pids {
            threads,
            pid_max: 32_768,
            threads_max: 100_000,
            cgroups,
        });
    })
}

fn pids_cgroup(path: &str, current: u64, max: u64, refused: u64) -> PidsCgroup {
    PidsCgroup {
        path: path.to_owned(),
        current,
        max,
        refused,
    }
}

#[test]
fn threads_of_the_node() {
    let finding = with_pids(32_000, Vec::new()).finding("pids");
    assert_eq!(
        finding.title,
        "The node has 32,000 threads, kernel.pid_max allows 32,768 (97 %)"
    );
    assert_eq!(commands(&finding)[1], "sysctl -w kernel.pid_max=65536");
}

#[test]
fn threads_of_a_cgroup() {
    let of = |path| with_pids(100, vec![pids_cgroup(path, 99, 100, 3)]).finding("pids");
    let unit = of("/system.slice/cron.service");
    assert_eq!(
        commands(&unit),
        ["systemctl set-property cron.service TasksMax=256"]
    );
    let guest = of("/lxc.payload.c1/system.slice/cron.service");
    assert!(guest.remedies.is_empty(), "{:?}", guest.remedies);
    assert_eq!(
        unit.evidence[1],
        "3 forks refused since the cgroup was made"
    );
    assert!(of("/a").remedies.is_empty());
    let pod = pids_cgroup("/kubepods/besteffort/pod1/abc", 99, 100, 3);
    let pod = with_pids(100, vec![pod])
        .cgroups_v2(9, 0)
        .process(7, "kubelet")
        .finding("pids");
    assert!(pod.remedies[0].why.contains("podPidsLimit: 256"));
    let plain = with_pids(100, vec![pids_cgroup("/lxc/a", 99, 100, 3)]).cgroups_v2(10, 0);
    assert_eq!(
        commands(&plain.finding("pids")),
        ["echo 256 > /sys/fs/cgroup/lxc/a/pids.max"]
    );
}

/// Raising the limit of one is no help where a cgroup above it allows no more.
#[test]
fn ancestors_that_limit_a_cgroup_are_named() {
    let cgroups = vec![
        pids_cgroup("/user.slice", 150, 200, 0),
        pids_cgroup("/user.slice/user-1000.slice", 99, 100, 3),
        pids_cgroup("/user", 1, 2_000, 0),
    ];
    let finding = with_pids(200, cgroups).finding("pids");
    let last = finding.evidence.last().unwrap();
    assert!(
        last.starts_with("/user.slice ") && last.contains("150 of 200"),
        "{last}"
    );
    let why = &finding.remedies[0].why;
    assert!(why.contains("pids.max of /user.slice "), "{why}");
}

#[test]
fn refusals_of_the_past_are_worth_a_word() {
    let node = with_pids(100, vec![pids_cgroup("/a", 5, 100, 7)]);
    let finding = node.finding("pids-refused");
    assert_eq!(finding.severity, Severity::Info);
    assert_eq!(
        finding.title,
        "7 forks were refused in /a since it was made; there is room now"
    );
    assert!(node.report().status().is_well());
}

#[test]
fn a_limit_of_one_process_is_meant() {
    assert_eq!(
        with_pids(9, vec![pids_cgroup("/a", 1, 1, 0)]).rules(),
        Vec::<String>::new()
    );
}
