use std::collections::BTreeMap;
use std::time::Instant;

use nospace_core::model::Snapshot;
use nospace_core::report::{Blame, Culprit, Finding, Pod, Remedy, Rule, Severity, Subject};

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
        pages: Pages::default(),
    }
}

#[test]
fn names_of_the_node_are_only_text() {
    let page = draw(&evil(), &AgentMetrics::default(), Duration::from_secs(15));
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
    let page = draw(&evil(), &AgentMetrics::default(), Duration::from_millis(1));
    let page = String::from_utf8(page).unwrap();
    assert!(page.contains("content=5>"));
    for outside in ["http:", "https:", "//", "url(", "@import", "src="] {
        assert!(!page.contains(outside), "{outside}");
    }
}
