//! Answers that are too old.

use super::fixtures::{aged, finding, fleet, row, rules, silent, summary};
use super::*;
use crate::report::{StartVerdict, Status};

#[test]
fn an_ok_that_is_old_or_of_unknown_age_is_none() {
    let with_age = |age, status| {
        let said = Answer::Summary(Box::new(Summary {
            status,
            ..summary("a")
        }));
        Row::new("a".to_owned(), None, None, age, said).state
    };
    let well = Status::reported(0).unwrap();
    assert!(with_age(Some(STALE_SECONDS), well).is_well());
    assert_eq!(with_age(Some(STALE_SECONDS + 1), well), Status::Unknown);
    assert_eq!(with_age(None, well), Status::Unknown);
    assert_eq!(with_age(None, Status::Critical), Status::Critical);
}

#[test]
fn no_finding_of_several_nodes_rests_on_an_old_answer() {
    let said = |node: &str| {
        row(Summary {
            status: Status::Critical,
            kubelet_start: Some(StartVerdict::Fails),
            nospace_version: format!("0.{node}.0"),
            limits: summary(node)
                .limits
                .map(|limits| crate::report::InotifyLimits {
                    max_user_watches: 1_000 << node.len(),
                    ..limits
                }),
            findings: vec![finding("x")],
            ..summary(node)
        })
    };
    let now = fleet(vec![said("1"), aged(said("22"), Some(STALE_SECONDS))]);
    assert_eq!(
        rules(&now),
        [
            FleetRule::KubeletStart,
            FleetRule::Culprit,
            FleetRule::LimitsDiffer,
            FleetRule::VersionsDiffer
        ]
    );
    for finding in &now.findings {
        assert_eq!(finding.oldest_seconds, Some(STALE_SECONDS), "{finding:?}");
    }
    let stale = STALE_SECONDS + 1;
    let then = fleet(vec![said("1"), aged(said("22"), Some(stale))]);
    assert_eq!(
        rules(&then),
        [FleetRule::KubeletStart, FleetRule::Unanswered]
    );
    let kubelet = &then.findings[0];
    assert_eq!(kubelet.nodes, ["1"]);
    assert_eq!(kubelet.evidence, ["1 of 2 nodes was checked within 15 min"]);
    let old = &then.findings[1];
    assert_eq!(old.nodes, ["22"]);
    assert_eq!(
        (old.oldest_seconds, &*old.evidence),
        (Some(stale), &["1 node said critical then".to_owned()][..])
    );
    // Its row says it, with its age: nobody has said that it is over.
    assert_eq!(then.status, Status::Critical);
    assert_eq!((then.counts.answered, then.counts.current), (2, 1));
    let unknown = fleet(vec![aged(said("1"), None)]);
    assert_eq!(rules(&unknown), [FleetRule::Unanswered]);
    assert_eq!(unknown.findings[0].oldest_seconds, None);
}

#[test]
fn an_answer_ages_while_others_are_waited_for() {
    let well = aged(row(summary("a")), Some(STALE_SECONDS - 10));
    assert!(well.clone().later(10).state.is_well());
    let old = well.later(11);
    assert_eq!((old.state, old.current), (Status::Unknown, false));
    let failed = silent("b", FailureKind::Timeout).later(5);
    assert_eq!(failed.age_seconds, None);
}

#[test]
fn what_answers_do_not_cover_is_summed() {
    let with = |node: &str, causes: &[&str]| {
        row(Summary {
            not_covered: causes.iter().map(|&cause| cause.to_owned()).collect(),
            ..summary(node)
        })
    };
    let all = fleet(vec![
        with("a", &["x", "y"]),
        with("b", &["y"]),
        with("c", &[]),
    ]);
    let causes: Vec<&str> = all.not_covered.causes.iter().map(String::as_str).collect();
    assert_eq!((all.not_covered.nodes, causes), (2, vec!["x", "y"]));
}
