//! What explain says of refusals beside a guard.
#![allow(clippy::unwrap_used, reason = "a test ends when its data is wrong")]

mod support;

use nospace_core::explain::{ExplainedCause, Verdict};
use nospace_core::model::{
    CgroupPath, CollectorRun, Guard, GuardMode, Guards, Inotify, Limits, Pair, PodLog, Process,
    Provenance, Snapshot, UserCounters, UserKey, Vantage,
};
use nospace_core::report::Report;

use support::explain;

/// What it says of the ENOSPC of a program.
fn says(program: &str, report: &Report) -> ExplainedCause {
    let line = format!(
        "Nov 21 00:00:01 n1 {program}[77]: inotify_add_watch /etc/app failed: No space left on device\n"
    );
    explain(&line, Some(report)).causes.remove(0)
}

fn process(pid: u32, comm: &str, cgroup: &str) -> Process {
    Process {
        pid,
        ppid: 1,
        comm: comm.to_owned(),
        start_ticks: 1,
        user: UserKey::initial(0),
        cgroups: vec![CgroupPath {
            controllers: String::new(),
            path: cgroup.to_owned(),
        }],
        descriptors: 9,
        descriptor_limit: None,
        descriptor_hard_limit: None,
        serves: None,
    }
}

fn pod(pid: u32, comm: &str, uid: char) -> Process {
    let uid = uid.to_string().repeat(8);
    let uid = format!("{uid}-1111-1111-1111-111111111111");
    let id = "a".repeat(64);
    process(pid, comm, &format!("/kubepods/besteffort/pod{uid}/{id}"))
}

fn guard(mode: GuardMode, kept: u64) -> Guard {
    Guard {
        pid: 41,
        mode,
        reserve: Pair::of(None, Some(kept)),
        tested_seconds_ago: Some(5),
        exempt_namespaces: vec!["kube-system".to_owned()],
        exempt_cgroups: Vec::new(),
        more_exempt: false,
    }
}

/// A node where root has used `used` of 1,000 watches: `webapp` is a pod, `proxy` one of kube-system, `both` runs in a pod and on the host.
fn node(used: u64, guards: Option<Guards>) -> Report {
    let log = |namespace: &str, uid: char| PodLog {
        namespace: namespace.to_owned(),
        name: "x".to_owned(),
        uid: format!("{}-1111-1111-1111-111111111111", uid.to_string().repeat(8)),
    };
    let mut snapshot = Snapshot {
        taken_at: "2026-11-21T00:01:00Z".to_owned(),
        vantage: Vantage::initial(),
        collectors: vec![CollectorRun {
            name: "inotify".to_owned(),
            provenance: Provenance::Exact,
            ..CollectorRun::default()
        }],
        limits: Some(Limits {
            max_user_instances: 128,
            max_user_watches: 1000,
            max_queued_events: 16_384,
            settings: Vec::new(),
        }),
        inotify: Some(Inotify {
            counters: Some(vec![UserCounters {
                key: UserKey::initial(0),
                instances: 1,
                watches: used,
                instances_limit: 128,
                watches_limit: 1000,
            }]),
            ..Inotify::default()
        }),
        processes: vec![
            pod(30, "webapp", '1'),
            pod(31, "proxy", '2'),
            pod(32, "both", '1'),
            process(33, "both", "/system.slice/both.service"),
            pod(34, "nameless", '3'),
            process(35, "kubelet", "/system.slice/kubelet.service"),
        ],
        guards,
        ..Snapshot::default()
    };
    snapshot.containers.pod_logs = vec![log("default", '1'), log("kube-system", '2')];
    nospace_core::conclude(&snapshot)
}

fn with(guard: Guard) -> Option<Guards> {
    Some(Guards {
        running: vec![guard],
        unreadable: Vec::new(),
    })
}

fn judged(program: &str, report: &Report) -> (Verdict, bool) {
    let cause = says(program, report);
    (cause.node, cause.refused_by_guard)
}

#[test]
fn a_pod_at_the_line_was_refused_by_the_guard_and_not_by_the_limit() {
    let report = node(900, with(guard(GuardMode::Enforce, 100)));
    let cause = says("webapp", &report);
    assert_eq!(
        (cause.node, cause.refused_by_guard),
        (Verdict::Confirms, true)
    );
    let words = cause.node_says.join("\n");
    assert!(words.contains(
        "a guard (pid 41) keeps the last 100 of 1,000 for the node, and refuses pods from 900 inotify watches on: the guard refused this, and not the limit"
    ), "{words}");
    let line = "Nov 21 00:00:01 n1 webapp[77]: inotify_add_watch /etc/app failed: No space left on device\n";
    let finding = explain(line, Some(&report)).findings.remove(0);
    assert!(
        finding
            .title
            .starts_with("A guard refuses pods what it keeps for the node"),
        "{}",
        finding.title
    );
    assert!(!finding.remedies.is_empty());
}

#[test]
fn who_is_not_held_has_room() {
    let report = node(900, with(guard(GuardMode::Enforce, 100)));
    assert_eq!(judged("kubelet", &report), (Verdict::Recovered, false));
    let below = node(899, with(guard(GuardMode::Enforce, 100)));
    assert_eq!(judged("webapp", &below), (Verdict::Recovered, false));
}

#[test]
fn a_nearly_full_budget_is_full_for_pods_as_long_as_the_node_has_its_part() {
    let at = |used| node(used, with(guard(GuardMode::Enforce, 20)));
    assert_eq!(judged("webapp", &at(980)), (Verdict::Confirms, true));
    assert_eq!(judged("kubelet", &at(980)), (Verdict::Recovered, false));
    assert_eq!(judged("absent", &at(980)), (Verdict::Unknown, false));
    // Half of it is gone.
    assert_eq!(judged("kubelet", &at(990)), (Verdict::Recovered, false));
    assert_eq!(judged("kubelet", &at(991)), (Verdict::Confirms, false));
}

#[test]
fn whom_the_guard_holds_is_not_guessed() {
    let report = node(900, with(guard(GuardMode::Enforce, 100)));
    // One that is exempt, one that is also on the host, one of no known namespace, one that was not seen.
    for program in ["proxy", "both", "nameless", "absent"] {
        let cause = says(program, &report);
        assert_eq!(
            (cause.node, cause.refused_by_guard),
            (Verdict::Unknown, false),
            "{program}"
        );
        let words = cause.node_says.join("\n");
        assert!(
            words.contains("whether this was a pod"),
            "{program}: {words}"
        );
    }
    let mut named = guard(GuardMode::Enforce, 100);
    named.exempt_cgroups = vec!["/kubepods/besteffort/pod1".to_owned()];
    assert_eq!(
        judged("webapp", &node(900, with(named))),
        (Verdict::Unknown, false)
    );
}

#[test]
fn a_guard_is_not_blamed_where_it_refuses_nothing_or_is_not_known() {
    let shadow = node(900, with(guard(GuardMode::Shadow, 100)));
    assert_eq!(judged("webapp", &shadow), (Verdict::Recovered, false));
    let unreadable = node(
        900,
        Some(Guards {
            running: Vec::new(),
            unreadable: vec!["another version".to_owned()],
        }),
    );
    assert_eq!(judged("webapp", &unreadable), (Verdict::Unknown, false));
    // A recording of before there were guards.
    assert_eq!(
        judged("webapp", &node(900, None)),
        (Verdict::Recovered, false)
    );
    let full = node(1000, with(guard(GuardMode::Shadow, 100)));
    assert_eq!(judged("webapp", &full), (Verdict::Confirms, false));
}
