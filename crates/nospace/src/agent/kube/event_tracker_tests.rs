use nospace_core::report::{Rule, Subject};

use super::*;
use crate::agent::kube::fixtures::{healthy, instances, observation, pod, watches_exhausted, with};

const TIMING: EventTiming = EventTiming {
    settle_time: Duration::from_secs(30),
    repeat_critical: Duration::from_secs(1_800),
    repeat_warning: Duration::from_secs(21_600),
};

/// A look every 15 s; the notes of each as `object reason`.
fn play(reports: impl IntoIterator<Item = Report>) -> Vec<Vec<String>> {
    let (mut tracker, start) = (EventTracker::new(TIMING), Instant::now());
    let collections = (0..).step_by(15).zip(reports);
    collections
        .map(|(second, report)| reasons(&tracker.update(&observation(report, start, second))))
        .collect()
}

fn reasons(specs: &[EventSpec]) -> Vec<String> {
    let reasons = specs.iter().map(|spec| match &spec.object {
        EventTarget::Node => format!("node {}", spec.reason),
        EventTarget::Pod(pod) => format!("{} {}", pod.name, spec.reason),
    });
    reasons.collect()
}

fn full(percent: u64) -> Report {
    with(&[instances(percent, &[pod("web-0")])])
}

#[test]
fn one_event_not_a_hundred() {
    let reasons = play((0..100).map(|_| full(100)));
    assert_eq!(
        reasons[0],
        [
            "node InotifyInstancesExhausted",
            "web-0 InotifyInstancesExhausted"
        ]
    );
    assert!(reasons[1..].iter().all(Vec::is_empty));
}

#[test]
fn what_lasts_is_reported_again_before_the_server_forgets_it() {
    let reasons = play((0..=240).map(|_| full(100)));
    let times: Vec<usize> = (0..reasons.len())
        .filter(|n| !reasons[*n].is_empty())
        .collect();
    // 1,800 s are 120 looks.
    assert_eq!(times, [0, 120, 240]);
}

#[test]
fn worse_is_news_and_going_up_and_down_is_not() {
    let reasons = play((0..40).map(|n| full(94 + n % 2)));
    assert_eq!(reasons[0][0], "node InotifyInstancesPressure");
    assert_eq!(reasons[1][0], "node InotifyInstancesExhausted");
    assert!(reasons[2..].iter().all(Vec::is_empty));
}

#[test]
fn the_end_is_reported_once_and_when_it_lasts() {
    let reports = [
        full(100),
        healthy(),
        full(100),
        healthy(),
        healthy(),
        healthy(),
        healthy(),
    ];
    let reasons = play(reports);
    assert_eq!(reasons[1..4], [const { Vec::<String>::new() }; 3]);
    assert_eq!(reasons[4], ["node InotifyInstancesRecovered"]);
    assert!(reasons[5].is_empty() && reasons[6].is_empty());
}

#[test]
fn growth_that_pauses_is_not_over() {
    let mut growth = instances(90, &[]);
    growth.rule = Rule::Growth;
    let growing = with(&[growth]);
    let look = |n: u32| match n % 10 {
        0 => growing.clone(),
        _ => healthy(),
    };
    let reasons = play((0..40).map(look));
    assert_eq!(reasons[0], ["node Growth"]);
    assert!(reasons[1..].iter().all(Vec::is_empty), "{reasons:?}");
}

#[test]
fn another_culprit_is_reported_too_but_only_a_few() {
    let pods: Vec<PodRef> = (0..9).map(|n| pod(&format!("web-{n}"))).collect();
    let reasons = play([full(100), with(&[instances(100, &pods)])]);
    assert_eq!(
        reasons[1],
        [
            "web-1 InotifyInstancesExhausted",
            "web-2 InotifyInstancesExhausted"
        ]
    );
}

#[test]
fn a_pod_without_a_name_has_no_event_of_its_own() {
    let nameless = PodRef {
        name: String::new(),
        ..pod("x")
    };
    let reasons = play([with(&[instances(100, &[nameless])])]);
    assert_eq!(reasons[0], ["node InotifyInstancesExhausted"]);
}

#[test]
fn a_real_node_gets_an_event_for_each_thing_that_is_wrong() {
    let report = watches_exhausted();
    let reasons = play([report.clone()]);
    assert_eq!(
        reasons[0]
            .iter()
            .filter(|t| t.starts_with("node "))
            .collect::<Vec<_>>(),
        ["node KubeletStartAtRisk", "node InotifyWatchesExhausted"]
    );
    let shared = report.findings.iter().any(|f| f.rule == Rule::SharedBudget);
    assert!(
        shared,
        "the recorded node had such a finding, which says no more"
    );
}

#[test]
fn a_limit_that_was_raised_is_reported_once() {
    let (mut tracker, start) = (EventTracker::new(TIMING), Instant::now());
    let raise = |observation, to| LimitRaise {
        observation,
        sysctl: "fs.inotify.max_user_watches".to_owned(),
        from: 8_192,
        to,
        why: "used up".to_owned(),
    };
    let look = |second, limit_raises: Vec<LimitRaise>| Observation {
        limit_raises,
        ..observation(healthy(), start, second)
    };
    let one = tracker.update(&look(0, vec![raise(1, 65_536)]));
    assert_eq!(reasons(&one), ["node LimitRaised"]);
    assert!(!one[0].warning && one[0].message.contains("from 8192 to 65536: used up"));
    assert!(tracker.update(&look(15, vec![raise(1, 65_536)])).is_empty());
    let two = tracker.update(&look(30, vec![raise(1, 65_536), raise(3, 131_072)]));
    assert_eq!(two.len(), 1);
}

#[test]
fn what_the_guard_refused_is_an_event_of_the_pod() {
    use crate::agent::guard::{GuardView, PodAtLineNote, Standing};
    let (mut tracker, start) = (EventTracker::new(TIMING), Instant::now());
    let note = |number, name: &str| PodAtLineNote {
        number,
        pod: pod(name),
        resource: "watches",
        message: "900 of 1,000 watches of uid 0 used\n".to_owned(),
    };
    let look = |second, refused| Observation {
        guard: Some(GuardView {
            mode: nospace_core::model::GuardMode::Enforce,
            standing: Standing::Up(String::new()),
            refused,
        }),
        ..observation(healthy(), start, second)
    };
    let one = tracker.update(&look(0, vec![note(1, "web-0")]));
    assert_eq!(one.len(), 1);
    assert_eq!(one[0].object, EventTarget::Pod(pod("web-0")));
    assert_eq!(
        (one[0].reason.as_str(), one[0].warning),
        ("InotifyRefused", true)
    );
    assert_eq!(one[0].message, "900 of 1,000 watches of uid 0 used\\n");
    assert!(tracker.update(&look(15, vec![note(1, "web-0")])).is_empty());
    let again = vec![note(1, "web-0"), note(2, "web-0"), note(3, "web-1")];
    assert_eq!(tracker.update(&look(60, again)).len(), 2);
}

#[test]
fn a_node_that_breaks_in_a_thousand_ways_is_bounded() {
    let findings: Vec<Finding> = (0..1_000)
        .map(|n| {
            let mut finding = instances(100, &[]);
            finding.subject = Subject::uid(n);
            finding
        })
        .collect();
    assert_eq!(play([with(&findings)])[0].len(), MAX);
}
