use proptest::prelude::*;

use super::fixtures::{aged, finding, fleet, row, rules, silent, summary, workload};
use super::*;
use crate::conclude;
use crate::report::{Severity, StartVerdict, Status};
use crate::testing::node;
use crate::workload::Workload;

#[test]
fn a_summary_says_what_the_report_says_and_is_read_back() {
    let report = conclude(&node().pod(7, "app", "web-0").holds(128, 1).0);
    let facts = Facts {
        headline: "the headline",
        version: "1.2.3",
        ..Facts::default()
    };
    let said = Summary::of(&report, &facts);
    assert_eq!(
        (said.status, said.headline.as_str()),
        (report.status(), "the headline")
    );
    let first = &said.findings[0];
    assert_eq!(first.title, report.findings[0].title);
    let fullest = said.fullest().unwrap();
    assert_eq!((fullest.used, fullest.limit), (128, 128));
    assert_eq!(said.workloads[0].workload.name, "web");
    let text = said.json();
    assert_eq!(Summary::read(text.as_bytes()).unwrap(), said);
}

#[test]
fn garbage_is_refused_in_words() {
    let refused = |text: &[u8]| Summary::read(text).unwrap_err().to_string();
    assert!(refused(b"<html>").contains("not a summary"));
    assert!(refused(br#"{"schemaVersion":1}"#).contains("missing field"));
    assert!(refused(br#"{"schemaVersion":2}"#).contains("schema version 2"));
    assert!(refused(&[b' '; READ_BYTES + 1]).contains("longer than"));
    assert!(refused("[".repeat(READ_BYTES).as_bytes()).contains("not a summary"));
}

#[test]
fn a_node_without_an_answer_makes_the_fleet_unknown_unless_something_is_worse() {
    let well = || row(summary("a"));
    assert!(fleet(vec![well()]).status.is_well());
    assert_eq!(fleet(Vec::new()).status, Status::Unknown);
    let silent = || silent("b", FailureKind::Timeout);
    let both = fleet(vec![well(), silent()]);
    assert_eq!(
        (both.status, both.counts.answered, both.counts.nodes),
        (Status::Unknown, 1, 2)
    );
    assert_eq!(both.rows[0].node, "b");
    assert_eq!(both.findings[0].title, "No answer from 1 node: timeout");
    let full = Summary {
        status: Status::Warning,
        ..summary("c")
    };
    assert_eq!(
        fleet(vec![well(), silent(), row(full)]).status,
        Status::Warning
    );
}

#[test]
fn a_fleet_that_may_lack_nodes_is_never_ok() {
    let origin = || Origin {
        may_lack_nodes: true,
        ..Origin::default()
    };
    let well = super::conclude(vec![row(summary("a"))], origin());
    assert_eq!(well.status, Status::Unknown);
    let full = Summary {
        status: Status::Critical,
        ..summary("a")
    };
    assert_eq!(
        super::conclude(vec![row(full)], origin()).status,
        Status::Critical
    );
}

#[test]
fn a_node_that_is_not_ready_is_counted_and_comes_first_among_its_equals() {
    let mut away = row(summary("z"));
    away.ready = Some(false);
    let fleet = fleet(vec![row(summary("a")), away]);
    assert_eq!((fleet.counts.not_ready, fleet.counts.ok), (1, 2));
    assert_eq!(fleet.rows[0].node, "z");
}

#[test]
fn an_ok_beside_something_unseen_or_a_finding_is_none() {
    let state = |said: Summary| row(said).state;
    assert!(state(summary("a")).is_well());
    let unseen = Summary {
        unseen: vec!["keys could not be read".to_owned()],
        ..summary("a")
    };
    assert_eq!(state(unseen), Status::Unknown);
    let mut omitted = summary("a");
    omitted.omitted.unseen = 1;
    assert_eq!(state(omitted), Status::Unknown);
    let mut found = summary("a");
    found.findings.push(super::FindingSummary {
        cause: "keys".to_owned(),
        rule: "budget".to_owned(),
        severity: Severity::Critical,
        subject: "uid 0".to_owned(),
        title: "uid 0 has used 200 of 200 keys".to_owned(),
        culprit: None,
        workload: None,
        group: None,
    });
    assert_eq!(state(found), Status::Critical);
}

#[test]
fn workloads_are_summed_over_nodes_with_how_many_were_seen() {
    let on = |node: &str, pod, watches| {
        row(Summary {
            workloads: vec![workload(pod, 1, watches)],
            ..summary(node)
        })
    };
    let rows = || vec![on("a", "web-0", 100), on("b", "web-1", 300)];
    let cost = |rows| fleet(rows).workloads[0].clone();
    let all = cost(rows());
    assert_eq!(
        (all.watches, all.nodes, all.covered, all.of),
        (400, 2, 2, 2)
    );
    assert_eq!((all.at_least, all.most_on.as_str()), (false, "b"));
    let mut more = rows();
    more.push(silent("c", FailureKind::NoAgent));
    let some = cost(more);
    assert_eq!((some.covered, some.of, some.at_least), (2, 3, true));
    // What was said too long ago, or at an unknown time, is in no sum.
    for age in [Some(STALE_SECONDS + 1), None] {
        let mut old = rows();
        old.push(aged(on("c", "web-2", 9_000), age));
        let some = cost(old);
        assert_eq!(
            (some.watches, some.covered, some.of, some.at_least),
            (400, 2, 3, true)
        );
    }
}

#[test]
fn a_culprit_on_many_nodes_is_one_finding() {
    let on = |node: &str, causes: &[&str]| {
        let findings = causes.iter().map(|cause| finding(cause)).collect();
        row(Summary {
            status: Status::Critical,
            findings,
            ..summary(node)
        })
    };
    let all = fleet(vec![on("a", &["x", "x", "y"]), on("b", &["x"])]);
    assert_eq!(all.findings.len(), 1);
    let found = &all.findings[0];
    assert_eq!(
        found.title,
        "statefulset shop/web is the culprit of x on 2 nodes"
    );
    assert_eq!((found.node_count, found.severity), (2, Severity::Critical));
}

#[test]
fn limits_that_differ_are_found_within_a_pool_and_small_differences_are_not() {
    let with = |node: &str, watches| {
        let limits = summary("x").limits.map(|l| crate::report::InotifyLimits {
            max_user_watches: watches,
            ..l
        });
        row(Summary {
            limits,
            ..summary(node)
        })
    };
    let alike = fleet(vec![
        with("a", 192_536),
        with("b", 192_100),
        with("c", 193_000),
    ]);
    assert_eq!(rules(&alike), []);
    let one = fleet(vec![
        with("a", 524_288),
        with("b", 524_288),
        with("c", 8_192),
    ]);
    let found = &one.findings[0];
    assert_eq!(
        found.title,
        "fs.inotify.max_user_watches differs in pool blue: 1 of 3 nodes have another value than most"
    );
    assert_eq!(found.nodes, ["c"]);
    assert!(found.evidence[0].contains("depends on memory"), "{found:?}");
    let mut other_pool = with("c", 8_192);
    other_pool.pool = None;
    assert_eq!(rules(&fleet(vec![with("a", 524_288), other_pool])), []);
}

#[test]
fn kubelets_versions_and_what_is_next_are_named() {
    let fails = Summary {
        status: Status::Critical,
        kubelet_start: Some(StartVerdict::Fails),
        nospace_version: "0.2.0".to_owned(),
        ..summary("a")
    };
    let soon = |node: &str, seconds| Summary {
        next_full: Some(NextFull {
            cause: "inotify-watches".to_owned(),
            subject: "uid 0".to_owned(),
            user_name: Some("root".to_owned()),
            seconds,
        }),
        ..summary(node)
    };
    let all = fleet(vec![
        row(fails),
        row(soon("b", 7_200)),
        row(soon("c", 3_603)),
    ]);
    assert_eq!(
        rules(&all),
        [
            FleetRule::KubeletStart,
            FleetRule::NextFull,
            FleetRule::VersionsDiffer
        ]
    );
    assert_eq!(
        all.findings[0].title,
        "The kubelet of 1 node would not start again"
    );
    assert_eq!(
        all.findings[1].title,
        "c is the next node to fill up: inotify-watches of uid 0 (root) in 1 h at the current rate"
    );
    assert_eq!(all.findings[2].nodes, ["a"]);
}

#[test]
fn a_forecast_counts_from_its_check_and_an_old_one_does_not_count() {
    let at = |node: &str, age| {
        let said = Summary {
            next_full: Some(NextFull {
                cause: "inotify-watches".to_owned(),
                subject: "uid 0".to_owned(),
                user_name: Some("root".to_owned()),
                seconds: 4_200,
            }),
            ..summary(node)
        };
        aged(row(said), age)
    };
    let all = fleet(vec![
        at("a", Some(0)),
        at("b", Some(600)),
        at("c", Some(STALE_SECONDS + 1)),
        at("d", None),
        silent("e", FailureKind::Timeout),
    ]);
    let mut found = all.findings.iter();
    let found = found.find(|f| f.rule == FleetRule::NextFull).unwrap();
    assert!(
        found.title.starts_with("b is the next node to fill up")
            && found.title.contains(" in 1 h "),
        "{found:?}"
    );
    assert_eq!(
        found.evidence[..2],
        [
            "2 of 5 nodes were checked within 15 min",
            "a: inotify-watches of uid 0 (root) in 1 h 10 min"
        ]
    );
    let young = Summary {
        checks: Some(19),
        ..summary("f")
    };
    let beside = fleet(vec![at("a", Some(0)), row(young), row(summary("g"))]);
    let evidence = &beside.findings[0].evidence[0];
    assert!(evidence.starts_with("unknown for 1 node"), "{evidence}");
    assert_eq!(
        (&*found.nodes, found.node_count),
        (&["b".to_owned(), "a".to_owned()][..], 2)
    );
}

#[test]
fn a_pool_of_huge_pages_that_is_all_in_use_is_not_the_fullest_budget() {
    let budget = |cause: &str, used| BudgetSummary {
        cause: cause.to_owned(),
        subject: "s".to_owned(),
        user_name: None,
        used,
        limit: 100,
        unit: "pages".to_owned(),
        provenance: crate::model::Provenance::Exact,
    };
    let with = |budgets| Summary {
        budgets,
        ..summary("a")
    };
    let both = with(vec![budget("hugepages", 100), budget("disk-blocks", 40)]);
    assert_eq!(both.fullest().unwrap().cause, "disk-blocks");
    let alone = with(vec![budget("hugepages", 100)]);
    assert_eq!(alone.fullest(), None);
}

proptest! {
    #[test]
    fn a_summary_fits_whatever_is_in_it(
        text in "\\PC{0,600}|[\\x00-\\x1f\"\\\\]{0,300}|[\u{4e00}-\u{4eff}]{0,300}",
        findings in 0_usize..40, budgets in 0_usize..40, workloads in 0_usize..40, unseen in 0_usize..40,
        numbers in any::<u64>(),
    ) {
        let said = Summary {
            node: text.clone(), kernel: text.clone(), headline: text.clone(), taken_at: text.clone(), nospace_version: text.clone(),
            next_full: Some(NextFull { cause: text.clone(), subject: text.clone(), user_name: Some(text.clone()), seconds: numbers }),
            findings: vec![FindingSummary {
                cause: text.clone(), rule: text.clone(), severity: Severity::Warning, subject: text.clone(), title: text.clone(),
                culprit: Some(text.clone()), workload: Some(Workload::of_container(Some(&text), "x")), group: Some(text.clone()),
            }; findings],
            budgets: vec![BudgetSummary {
                cause: text.clone(), subject: text.clone(), user_name: Some(text.clone()), used: numbers, limit: numbers, unit: text.clone(),
                provenance: crate::model::Provenance::Estimated,
            }; budgets],
            workloads: vec![WorkloadUse { workload: Workload::of_container(Some(&text), "x"), instances: numbers, watches: numbers, parts: numbers }; workloads],
            unseen: vec![text.clone(); unseen],
            not_covered: vec![text.clone(); unseen],
            ..summary("a")
        };
        let bounded = said.bounded();
        let text = bounded.json();
        prop_assert!(text.len() <= SUMMARY_BYTES, "{} bytes", text.len());
        prop_assert_eq!(bounded.findings.len() as u64 + bounded.omitted.findings, findings as u64);
        prop_assert_eq!(bounded.workloads.len() as u64 + bounded.omitted.workloads, workloads as u64);
        prop_assert_eq!(Summary::read(text.as_bytes()).unwrap(), bounded);
    }

    #[test]
    fn reading_anything_ends_in_a_summary_or_an_error(text in "\\PC{0,200}") {
        let _ = Summary::read(text.as_bytes());
    }
}

#[test]
fn the_mode_of_the_strictest_guard_is_in_a_summary_and_old_ones_have_none() {
    use crate::model::GuardMode::{Enforce, Shadow};
    use crate::testing::node;
    let of = |report: &crate::report::Report| {
        let facts = Facts {
            version: "1",
            headline: "",
            more_pods: None,
            growth: &[],
        };
        Summary::of(report, &facts)
    };
    let both = node()
        .guarded(10, Shadow, 5)
        .guarded(10, Enforce, 5)
        .report();
    assert_eq!(of(&both).guard, Some(Enforce));
    let mut text = serde_json::to_value(of(&both)).unwrap();
    assert_eq!(text["guard"], "enforce");
    text.as_object_mut().unwrap().remove("guard");
    let old: Summary = serde_json::from_value(text).unwrap();
    assert_eq!(old.guard, None);
    let quiet = serde_json::to_value(of(&node().report())).unwrap();
    assert_eq!(quiet.get("guard"), None);
}
