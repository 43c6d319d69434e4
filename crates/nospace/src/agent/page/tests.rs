use std::collections::BTreeMap;
use std::time::Instant;

use nospace_core::cause::Cause;
use nospace_core::model::{Provenance, Snapshot};
use nospace_core::report::{
    Blame, Culprit, Finding, Pod, Remedy, Resource, Rule, Severity, Subject,
};

use super::*;
use crate::agent::pages::Pages;

/// What somebody may call a pod, or a process call itself.
const EVIL: &str = "<script>alert('x')</script>\"\u{202e}";

fn evil() -> Observation {
    let mut report = nospace_core::conclude(&Snapshot::default());
    report.node.name = EVIL.to_owned();
    report.pods.push(Pod {
        namespace: EVIL.to_owned(),
        name: EVIL.to_owned(),
        uid: EVIL.to_owned(),
        instances: 1,
        watches: 1,
        charged: Vec::new(),
        containers: Vec::new(),
    });
    let all = || vec![EVIL.to_owned()];
    report.findings.push(Finding {
        cause: nospace_core::cause::Cause::InotifyWatches,
        rule: Rule::Growth,
        severity: Severity::Critical,
        subject: Subject::Caption(EVIL.to_owned()),
        title: EVIL.to_owned(),
        evidence: all(),
        blame: Blame::only(Culprit::named(EVIL), None),
        victims: all(),
        remedies: vec![Remedy {
            command: EVIL.to_owned(),
            why: EVIL.to_owned(),
        }],
    });
    Observation {
        number: 1,
        report,
        finished_at: Instant::now(),
        duration: Duration::ZERO,
        growth: Vec::new(),
        raise_counts: BTreeMap::new(),
        limit_raises: Vec::new(),
        guard: None,
        pages: Pages::default(),
    }
}

#[test]
fn names_of_the_node_are_only_text() {
    let page = draw(
        &evil(),
        &AgentMetrics::default(),
        Duration::from_secs(15),
        None,
    );
    let page = String::from_utf8(page).unwrap();
    assert!(page.contains("&lt;script&gt;alert("), "{page}");
    assert!(
        !page.contains("<script") && !page.contains('\u{202e}'),
        "{page}"
    );
    assert!(page.contains("content=15>"));
}

#[test]
fn nothing_is_loaded_from_anywhere() {
    let page = draw(
        &evil(),
        &AgentMetrics::default(),
        Duration::from_millis(1),
        None,
    );
    let page = String::from_utf8(page).unwrap();
    assert!(page.contains("content=5>"));
    for outside in ["http:", "https:", "//", "url(", "@import", "src="] {
        assert!(!page.contains(outside), "{outside}");
    }
}

/// A budget of 100 units.
fn resource(cause: Cause, used: u64) -> Resource {
    Resource::exact(
        cause,
        Subject::Caption(format!("of {used}")),
        used,
        100,
        "units",
    )
}

#[test]
fn findings_come_first_and_healthy_budgets_are_folded() {
    let mut observation = evil();
    let used = [10, 97, 30, 85, 20, 50, 40, 60];
    observation.report.resources = used.map(|used| resource(Cause::Keys, used)).to_vec();
    let page = draw(
        &observation,
        &AgentMetrics::default(),
        Duration::from_secs(15),
        None,
    );
    let page = String::from_utf8(page).unwrap();
    let at = |words: &str| {
        page.find(words)
            .unwrap_or_else(|| panic!("{words}: {page}"))
    };
    assert!(at("<h2>Findings") < at("<h2>Budgets"));
    let fold = at("3 more, all below 80");
    let mut last = at("<h2>Budgets");
    for used in [97, 85, 60, 50, 40] {
        let row = at(&format!("of {used}<"));
        assert!((last..fold).contains(&row), "{used}");
        last = row;
    }
    for used in [10, 20, 30] {
        assert!(at(&format!("of {used}<")) > fold, "{used}");
    }
}

#[test]
fn what_nobody_knows_is_not_folded() {
    let mut observation = evil();
    let mut all = vec![resource(Cause::Keys, 70); 9];
    all.push(Resource {
        provenance: Provenance::Unavailable,
        ..resource(Cause::Keys, 1)
    });
    observation.report.resources = all;
    let page = draw(
        &observation,
        &AgentMetrics::default(),
        Duration::from_secs(15),
        None,
    );
    let page = String::from_utf8(page).unwrap();
    assert!(
        page.find("of 1<").unwrap() < page.find("more, all below").unwrap(),
        "{page}"
    );
}

#[test]
fn the_guard_says_what_it_keeps_or_why_it_does_not() {
    use nospace_core::metrics::{GuardMetrics, GuardedCalls};
    use nospace_core::model::{GuardMode, Pair};

    use crate::agent::guard::{GuardView, Standing};

    let show = |guard: GuardMetrics, standing| {
        let mut observation = evil();
        observation.guard = Some(GuardView {
            mode: guard.mode,
            standing,
            refused: Vec::new(),
        });
        let metrics = AgentMetrics {
            guard: Some(guard),
            ..AgentMetrics::default()
        };
        let page = draw(&observation, &metrics, Duration::from_secs(15), None);
        String::from_utf8(page).unwrap()
    };
    let up = GuardMetrics {
        mode: GuardMode::Enforce,
        hooks: Pair::of(None, Some("lsm/path_notify".to_owned())),
        is_up: Some(true),
        why: None,
        test_age_seconds: Some(7.0),
        pods: [("guarded", 3), ("unknown", 1)].into(),
        calls: vec![GuardedCalls {
            mode: GuardMode::Enforce,
            resource: "watches".to_owned(),
            namespace: "default".to_owned(),
            pod: EVIL.to_owned(),
            calls: 4711,
        }],
        skipped: [("lsm/path_notify".to_owned(), 5)].into(),
        budgets: None,
    };
    let kept = Standing::Up("the last 100 of 1,000 watches".to_owned());
    let page = show(up.clone(), kept);
    for part in [
        "reserve: the last 100 of 1,000 watches.",
        "watches by lsm/path_notify; pods: 3 guarded, 1 unknown; tested 7 s ago",
        "5 calls got past it",
        ">4711<",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains(EVIL));
    let down = GuardMetrics {
        is_up: Some(false),
        why: Some(EVIL.to_owned()),
        ..up
    };
    let page = show(down, Standing::Down(EVIL.to_owned()));
    assert!(page.contains("It is not at work"), "{page}");
    assert!(!page.contains(EVIL));
}
