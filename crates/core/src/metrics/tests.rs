use super::*;
use crate::cause::Cause;
use crate::model::CollectorRun;
use crate::report::Report;
use crate::report::{Pod, PodContainer, PodPart, Resource, Subject};
use crate::testing::node;

fn exposition(report: &Report, top: usize, dialect: Dialect) -> String {
    let mut out = Exposition::new(dialect);
    super::report(report, &[], top, &mut out);
    out.finish()
}

fn quiet() -> Report {
    crate::conclude(&node().0)
}

fn pod(number: u64, containers: usize) -> Pod {
    let container = |at| PodContainer {
        name: format!("c{at}"),
        id: format!("id{at}"),
        part: PodPart::Container,
        instances: 1,
        watches: number,
    };
    Pod {
        namespace: "default".to_owned(),
        name: format!("p{number:04}"),
        uid: number.to_string(),
        instances: containers as u64,
        watches: number * containers as u64,
        charged: Vec::new(),
        containers: (0..containers).map(container).collect(),
    }
}

fn rows<'a>(text: &'a str, family: &str) -> Vec<&'a str> {
    let of = |line: &&str| line.starts_with(family) && line[family.len()..].starts_with(['{', ' ']);
    text.lines().filter(of).collect()
}

#[test]
fn both_dialects_name_families_as_they_want() {
    let figures = AgentMetrics {
        collections: 3,
        ..AgentMetrics::default()
    };
    let tell = |dialect| {
        let mut out = Exposition::new(dialect);
        agent(&figures, &mut out);
        out.finish()
    };
    let old = tell(Dialect::Prometheus);
    assert!(old.contains("# TYPE nospace_looks_total counter\nnospace_looks_total 3\n"));
    assert!(!old.contains("# EOF") && !old.contains("# UNIT"));
    let new = tell(Dialect::OpenMetrics);
    assert!(new.contains("# TYPE nospace_looks counter\nnospace_looks_total 3\n"));
    assert!(new.ends_with("# EOF\n"));
    let build = exposition(&quiet(), DEFAULT_TOP, Dialect::OpenMetrics);
    assert!(build.contains("# TYPE nospace_build info\nnospace_build_info{version="));
    assert!(build.contains("# UNIT nospace_collector_duration_seconds seconds\n"));
}

#[test]
fn a_collector_that_missed_something_is_partial() {
    let mut report = quiet();
    let run = |name: &str, partial, blind| CollectorRun {
        name: name.to_owned(),
        partial,
        blind,
        ..CollectorRun::default()
    };
    report.collectors = vec![
        run("inotify", false, true),
        run("mounts", true, false),
        run("keys", false, false),
    ];
    let text = exposition(&report, DEFAULT_TOP, Dialect::Prometheus);
    for (name, partial) in [("inotify", 1), ("mounts", 1), ("keys", 0)] {
        let sample = format!("nospace_collector_partial{{collector=\"{name}\"}} {partial}\n");
        assert!(text.contains(&sample), "{text}");
    }
}

#[test]
fn labels_are_escaped() {
    let mut report = quiet();
    report.node.name = "a\\b\"c\nd".to_owned();
    let text = exposition(&report, DEFAULT_TOP, Dialect::Prometheus);
    assert!(
        text.contains(r#"nospace_node_info{node="a\\b\"c\nd","#),
        "{text}"
    );
}

#[test]
fn pods_beyond_the_top_are_summed() {
    let mut report = quiet();
    report.pods = (1..=1000).rev().map(|n| pod(n, 1)).collect();
    // Holds the most instances, and hardly any watches.
    report.pods.push(pod(0, 40));
    let text = exposition(&report, 10, Dialect::Prometheus);
    let watches = rows(&text, "nospace_pod_inotify_watches");
    // 9 pods of one container, one with 16 and their `other`, and the pods' `other`.
    assert_eq!(watches.len(), 9 + 17 + 1, "{watches:#?}");
    let sum: u64 = watches
        .iter()
        .map(|row| row.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!(sum, (1..=1000).sum::<u64>());
    assert!(
        watches
            .iter()
            .any(|row| row.contains(r#"pod="p0000",container="other""#))
    );
    assert!(
        watches
            .iter()
            .any(|row| row.contains(r#"{namespace="other",pod="other",container="other"}"#))
    );
}

#[test]
fn no_row_is_written_twice() {
    let mut report = quiet();
    // The old pod of a StatefulSet is still there when the new one starts.
    report.pods = vec![
        pod(1, 2),
        Pod {
            uid: "new".to_owned(),
            ..pod(1, 2)
        },
    ];
    let budget = |unit: &str, n: usize| Resource {
        cause: Cause::Keys,
        subject: Subject::uid(u32::try_from(n).unwrap()),
        used: 1,
        limit: 10,
        unit: unit.to_owned(),
        provenance: crate::model::Provenance::Exact,
        note: None,
    };
    report.resources = (0..50)
        .flat_map(|n| [budget("keys", n), budget("bytes", n)])
        .collect();
    let text = exposition(&report, 10, Dialect::Prometheus);
    let samples: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.rsplit_once(' ').unwrap().0)
        .collect();
    let unique: std::collections::BTreeSet<_> = samples.iter().collect();
    assert_eq!(unique.len(), samples.len(), "{text}");
    assert_eq!(rows(&text, "nospace_resource_used").len(), 2 * 21);
    assert!(
        text.contains(r#"nospace_resource_used{cause="keys",subject="other",unit="keys"} 30"#),
        "{text}"
    );
    assert_eq!(rows(&text, "nospace_fullest_resource_used").len(), 4);
}

#[test]
fn the_fullest_resources_are_those_of_all_causes() {
    let mut report = quiet();
    let budget = |cause, n: u32, used, limit| Resource {
        cause,
        subject: Subject::uid(n),
        used,
        limit,
        unit: "things".to_owned(),
        provenance: crate::model::Provenance::Exact,
        note: None,
    };
    report.resources = (0..30).map(|n| budget(Cause::Keys, n, 50, 100)).collect();
    report.resources.extend([
        budget(Cause::Pids, 1, 3, 4),
        budget(Cause::Pids, 2, 1, 0),
        budget(Cause::EpollWatches, 3, u64::MAX / 2, u64::MAX),
        budget(Cause::EpollWatches, 4, 0, 9),
    ]);
    let text = exposition(&report, 10, Dialect::Prometheus);
    let used = rows(&text, "nospace_fullest_resource_used");
    let limits = rows(&text, "nospace_fullest_resource_limit");
    assert_eq!((used.len(), limits.len()), (4, 4));
    assert!(
        used[0].contains("cause=\"pids\",subject=\"uid 1\"") && used[0].ends_with(" 3"),
        "{used:?}"
    );
    assert!(used[1..].iter().all(|row| row.ends_with(" 50")), "{used:?}");
    assert!(!text.contains("fullest_resource_used{cause=\"keys\",subject=\"other\""));
}

#[test]
fn the_catalogue_is_as_prometheus_wants_it() {
    for family in families() {
        let name = family.name;
        assert_eq!(
            name.ends_with("_total"),
            family.kind == Kind::Counter,
            "{name}"
        );
        assert_eq!(name.ends_with("_info"), family.kind == Kind::Info, "{name}");
        let stem = name.strip_suffix("_total").unwrap_or(name);
        assert!(stem.ends_with(family.unit), "{name}");
        assert!(!family.help.contains(['\\', '\n', '"', '|']), "{name}");
    }
    let names: std::collections::BTreeSet<_> = families().iter().map(|f| f.name).collect();
    assert_eq!(names.len(), families().len());
}

#[test]
fn the_page_is_made_from_the_code() {
    let written = include_str!("../../../../docs/metrics.md");
    assert_eq!(written, page(), "run `cargo xtask metrics`");
}

#[test]
fn what_guards_keep_is_said_by_mode() {
    use crate::model::GuardMode::{Enforce, Shadow};
    let report = node()
        .guarded(10, Shadow, 900)
        .guarded(10, Enforce, 100)
        .guarded(10, Enforce, 50)
        .report();
    let text = exposition(&report, DEFAULT_TOP, Dialect::Prometheus);
    assert_eq!(
        rows(&text, "nospace_guard_kept"),
        [
            "nospace_guard_kept{resource=\"watches\",mode=\"enforce\"} 100",
            // Never more than half of the limit.
            "nospace_guard_kept{resource=\"watches\",mode=\"shadow\"} 500",
        ]
    );
    let text = exposition(&quiet(), DEFAULT_TOP, Dialect::Prometheus);
    assert_eq!(rows(&text, "nospace_guard_kept"), [""; 0]);
}

#[test]
fn calls_at_the_line_are_counted_by_what_became_of_them() {
    use crate::model::{GuardMode, Pair};
    let calls = |mode, calls| GuardedCalls {
        mode,
        resource: "watches".to_owned(),
        namespace: "shop".to_owned(),
        pod: "web-0".to_owned(),
        calls,
    };
    let figures = AgentMetrics {
        guard: Some(GuardMetrics {
            mode: GuardMode::Enforce,
            hooks: Pair::of(None, Some("lsm/path_notify".to_owned())),
            is_up: Some(true),
            why: None,
            test_age_seconds: Some(7.5),
            pods: [("guarded", 3)].into(),
            calls: vec![calls(GuardMode::Enforce, 4), calls(GuardMode::Shadow, 9)],
            skipped: [("lsm/path_notify".to_owned(), 1)].into(),
            budgets: Some(BudgetMetrics {
                over: [(["watches", "shop", "web-0"].map(str::to_owned), 10)].into(),
                pods: [("read", 3), ("unreadable", 0)].into(),
            }),
        }),
        ..AgentMetrics::default()
    };
    let mut out = Exposition::new(Dialect::Prometheus);
    agent(&figures, &mut out);
    let text = out.finish();
    for sample in [
        "nospace_guard_info{mode=\"enforce\",watch_hook=\"lsm/path_notify\",instance_hook=\"\"} 1",
        "nospace_guard_up 1",
        "nospace_guard_self_test_age_seconds 7.5",
        "nospace_guard_pods{policy=\"guarded\"} 3",
        "nospace_guard_refused_total{resource=\"watches\",namespace=\"shop\",pod=\"web-0\"} 4",
        "nospace_guard_would_refuse_total{resource=\"watches\",namespace=\"shop\",pod=\"web-0\"} 9",
        "nospace_guard_over_budget{resource=\"watches\",namespace=\"shop\",pod=\"web-0\"} 10",
        "nospace_guard_budget_pods{outcome=\"read\"} 3",
        "nospace_guard_budget_pods{outcome=\"unreadable\"} 0",
        "nospace_guard_skipped_calls_total{hook=\"lsm/path_notify\"} 1",
    ] {
        assert!(text.contains(&format!("{sample}\n")), "{sample}: {text}");
    }
}
