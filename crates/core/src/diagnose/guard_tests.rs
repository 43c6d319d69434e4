//! Findings, the forecast and verdicts beside a guard.

use crate::cause::Cause;
use crate::matter::Matter;
use crate::model::GuardMode::{Enforce, Shadow};
use crate::model::{Guards, Provenance};
use crate::report::{Rule, Severity, StartVerdict, Status, Unseen};
use crate::testing::{Node, captions, commands, node};

/// A pod, the kubelet, and 1,000 watches, `used` of them in use.
fn guarded(used: u64) -> Node {
    node()
        .process(1, "systemd")
        .holds(1, 4)
        .pod(30, "app", "web-0")
        .holds(1, 600)
        .guarded(used, Enforce, 100)
}

fn of_watches(node: &Node) -> Vec<(Rule, Severity)> {
    let findings = node.report().findings.into_iter();
    findings
        .filter(|one| one.cause == Cause::InotifyWatches)
        .filter(|one| matches!(one.rule, Rule::GuardReserve | Rule::Exhaustion(_)))
        .map(|one| (one.rule, one.severity))
        .collect()
}

#[test]
fn a_budget_is_full_for_pods_at_the_line() {
    let exhausted = Rule::Exhaustion(Cause::InotifyWatches);
    for (used, expected) in [
        (719, vec![]),
        (720, vec![(Rule::GuardReserve, Severity::Warning)]),
        (899, vec![(Rule::GuardReserve, Severity::Critical)]),
        (900, vec![(Rule::GuardReserve, Severity::Critical)]),
        (949, vec![(Rule::GuardReserve, Severity::Critical)]),
        (950, vec![(Rule::GuardReserve, Severity::Critical)]),
        (951, vec![(exhausted, Severity::Critical)]),
        (1000, vec![(exhausted, Severity::Critical)]),
    ] {
        assert_eq!(of_watches(&guarded(used)), expected, "{used}");
    }
}

#[test]
fn a_small_reserve_of_a_large_budget_is_kept_for_the_node_too() {
    let nearly_full = |used| {
        let node = node().process(1, "systemd").holds(1, 4);
        let node = node.cgroups_v2(20, 0).pod(30, "app", "web-0");
        node.holds(1, 800).guarded(used, Enforce, 40)
    };
    for (used, rule) in [
        (955, Rule::GuardReserve),
        (960, Rule::GuardReserve),
        (980, Rule::GuardReserve),
        (981, Rule::Exhaustion(Cause::InotifyWatches)),
    ] {
        let node = nearly_full(used);
        assert_eq!(of_watches(&node), [(rule, Severity::Critical)], "{used}");
    }
    let finding = nearly_full(960).finding("guard-reserve");
    assert!(
        finding
            .title
            .starts_with("Pods get no more inotify watches")
    );
    assert_eq!(finding.victims, ["pod default/web-0"]);
}

#[test]
fn a_guard_that_only_counts_changes_nothing() {
    let shadow = node()
        .pod(30, "app", "web-0")
        .holds(1, 600)
        .guarded(799, Shadow, 400);
    assert_eq!(of_watches(&shadow), []);
    assert!(
        shadow
            .report()
            .guards
            .is_some_and(|all| all.running.len() == 1)
    );
}

#[test]
fn the_finding_names_the_guard_and_only_pods_as_victims() {
    let finding = guarded(900).finding("guard-reserve");
    assert_eq!(
        finding.title,
        "Pods get no more inotify watches: uid 0 has used 900, and a guard (pid 41) keeps the last 100 of 1,000 for the node"
    );
    assert_eq!(finding.victims, ["pod default/web-0"]);
    assert!(finding.evidence[1].contains("(not those of kube-system)"));
    assert!(captions(finding.blame.culprits())[0].contains("web-0"));
    assert_eq!(commands(&finding)[0], "nospace tune --apply");
    let before = guarded(800).finding("guard-reserve");
    assert!(
        before.title.starts_with(
            "uid 0 has used 800 of the 900 inotify watches that pods may use (88 %): a guard"
        ),
        "{}",
        before.title
    );
}

#[test]
fn of_two_guards_the_strictest_decides() {
    let two = guarded(700).guarded(700, Enforce, 300);
    let finding = two.finding("guard-reserve");
    assert!(finding.title.contains("keeps the last 300 of 1,000"));
}

#[test]
fn what_is_kept_is_room_for_the_kubelet_only_where_it_is_free() {
    let start = |used| {
        let report = guarded(used).cgroups_v2(50, 0).report();
        report.forecast.kubelet_start.unwrap()
    };
    let at_line = start(900);
    assert_eq!((at_line.watches_free, at_line.watches_kept), (100, 100));
    assert_eq!(at_line.verdict, StartVerdict::Starts);
    let beyond = start(960);
    assert_eq!((beyond.watches_free, beyond.watches_kept), (40, 40));
    assert_eq!(beyond.verdict, StartVerdict::Fails);
    assert_eq!(start(900).instances_kept, 0);
}

/// What is not known of the guards of `node`.
fn unknown(node: &Node) -> Option<Unseen> {
    let all = crate::evidence::unseen(&[Matter::Cause(Cause::InotifyWatches)], &node.report());
    all.into_iter()
        .find(|one| matches!(one, Unseen::Guards { .. }))
}

#[test]
fn a_guard_that_cannot_be_read_leaves_it_unknown_whether_pods_are_refused() {
    let other = |used| {
        guarded(used).with(|s| {
            s.guards = Some(Guards {
                running: Vec::new(),
                unreadable: vec!["a guard of another nospace runs".to_owned()],
            });
        })
    };
    assert!(unknown(&other(500)).is_some());
    assert_eq!(other(500).report().status(), Status::Unknown);
    // The line is never below half of the limit.
    assert_eq!(unknown(&other(499)), None);
    assert!(other(499).report().status().is_well());
    assert_eq!(unknown(&guarded(500)), None);
}

#[test]
fn without_the_accounting_the_answer_does_not_cover_guards() {
    let unread = |pods: bool, used: u32| {
        let node = node().process(1, "tail").holds(1, used);
        let node = if pods {
            node.pod(30, "app", "web-0")
        } else {
            node
        };
        node.limits(128, 1000).with(|s| s.guards = None)
    };
    assert_eq!(
        unknown(&unread(true, 600)),
        Some(Unseen::Guards { why: None })
    );
    let report = unread(true, 600).report();
    assert!(report.status().is_well());
    assert!(
        report
            .not_covered
            .iter()
            .any(|one| one.cause == "inotify-watches")
    );
    assert_eq!(unknown(&unread(true, 400)), None);
    assert_eq!(unknown(&unread(false, 600)), None);
    // A recording from before there were guards.
    let older = guarded(600).with(|s| s.guards = None);
    assert_eq!(older.0.collectors[0].provenance, Provenance::Exact);
    assert_eq!(unknown(&older), None);
}
