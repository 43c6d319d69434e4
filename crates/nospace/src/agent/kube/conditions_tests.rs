use nospace_core::model::INITIAL_USER_NAMESPACE;
use nospace_core::report::{Blame, Culprit, Resource, Rule, Subject};

use super::*;
use crate::agent::kube::fixtures::{healthy, instances, pod, watches_exhausted, with};

fn of(report: &Report, kind: ConditionType) -> Assessment {
    let [a, b, c, d] = assess(report, None).try_into().unwrap();
    let all = [a, b, c, d];
    all.into_iter().find(|w| w.kind == kind).unwrap()
}

#[test]
fn a_healthy_node_has_no_problem() {
    for condition in assess(&healthy(), None) {
        assert_eq!(condition.status, Status::False, "{condition:?}");
        assert_eq!(condition.reason, "HasRoom");
        assert!(!condition.message.is_empty());
    }
}

#[test]
fn a_node_without_watches_names_culprit_and_remedy() {
    let report = watches_exhausted();
    let watches = of(&report, ConditionType::InotifyWatchesExhausted);
    assert_eq!(watches.status, Status::True, "{watches:?}");
    assert_eq!(watches.reason, "InotifyWatches");
    assert!(
        watches.message.starts_with("uid 0 has used "),
        "{watches:?}"
    );
    assert!(watches.message.contains("Held by "), "{watches:?}");
    assert!(
        watches.message.contains("To fix it: nospace tune --apply"),
        "{watches:?}"
    );
    let instances = of(&report, ConditionType::InotifyInstancesExhausted);
    assert_eq!(instances.status, Status::False, "{instances:?}");
}

#[test]
fn where_a_guard_keeps_the_rest_it_is_exhausted_for_pods() {
    let title = "Pods get no more inotify instances: uid 0 has used 50, and a guard (pid 41) keeps the last 50 of 100 for the node";
    let finding = Finding {
        rule: Rule::GuardReserve,
        title: title.to_owned(),
        ..instances(95, &[pod("web-0")])
    };
    let condition = of(&with(&[finding]), ConditionType::InotifyInstancesExhausted);
    assert_eq!(condition.status, Status::True, "{condition:?}");
    assert!(condition.message.starts_with(title), "{condition:?}");
}

#[test]
fn pressure_is_said_and_is_no_exhaustion_yet() {
    let at = |percent| {
        let report = with(&[instances(percent, &[pod("web-0")])]);
        let condition = of(&report, ConditionType::InotifyInstancesExhausted);
        (condition.status, condition.reason)
    };
    assert_eq!(at(80), (Status::False, "UnderPressure".to_owned()));
    assert_eq!(at(94), (Status::False, "UnderPressure".to_owned()));
    assert_eq!(at(95), (Status::True, "InotifyInstances".to_owned()));
}

#[test]
fn a_namespace_with_limits_of_its_own_is_not_the_node() {
    let mut finding = instances(100, &[pod("web-0")]);
    let mut report = with(&[]);
    report.users[0].user_namespace = INITIAL_USER_NAMESPACE - 1;
    finding.subject = report.users[0].subject();
    report.findings = vec![finding.clone()];
    assert_eq!(
        of(&report, ConditionType::InotifyInstancesExhausted).status,
        Status::False
    );
    report.users[0].user_namespace = INITIAL_USER_NAMESPACE;
    finding.subject = report.users[0].subject();
    report.findings = vec![finding];
    assert_eq!(
        of(&report, ConditionType::InotifyInstancesExhausted).status,
        Status::True
    );
}

#[test]
fn what_could_not_be_read_is_unknown_and_never_healthy() {
    let mut report = healthy();
    for run in &mut report.collectors {
        run.error = Some("permission denied".to_owned());
    }
    report.limits = None;
    report.forecast.kubelet_start = None;
    report.resources.retain(|r| r.cause != Cause::CgroupLimit);
    for condition in assess(&report, None) {
        assert_eq!(condition.status, Status::Unknown, "{condition:?}");
        assert_eq!(condition.reason, "CannotTell");
    }
}

#[test]
fn a_kubelet_that_would_barely_start_is_at_risk() {
    let mut report = watches_exhausted();
    let start = report.forecast.kubelet_start.as_mut().unwrap();
    assert_eq!(start.verdict, StartVerdict::Fails);
    start.verdict = StartVerdict::Barely;
    let condition = of(&report, ConditionType::KubeletStartAtRisk);
    assert_eq!(condition.status, Status::True);
    assert_eq!(condition.reason, "InotifyWatches");
    // No kubelet belongs on a machine of which the rules say nothing.
    report.findings.retain(|f| f.rule != Rule::KubeletStart);
    assert_eq!(
        of(&report, ConditionType::KubeletStartAtRisk).status,
        Status::False
    );
}

#[test]
fn what_one_pod_may_have_is_not_the_nodes_limit() {
    let of_node = |path: &str| {
        let subject = Subject::Cgroup {
            limit: "cgroup.max.descendants",
            path: path.to_owned(),
        };
        let mut report = healthy();
        report.resources.push(Resource {
            cause: Cause::CgroupLimit,
            subject: subject.clone(),
            used: 100,
            limit: 100,
            unit: "cgroups".to_owned(),
            provenance: nospace_core::model::Provenance::Exact,
            note: None,
        });
        let mut finding = instances(100, &[]);
        finding.cause = Cause::CgroupLimit;
        finding.rule = Rule::CgroupDescendants;
        finding.subject = subject;
        report.findings = vec![finding];
        of(&report, ConditionType::CgroupsExhausted).status == Status::True
    };
    for path in [
        "/",
        "/kubepods",
        "/kubepods.slice",
        "/kubepods/burstable",
        "/kubepods.slice/kubepods-besteffort.slice",
    ] {
        assert!(of_node(path), "{path}");
    }
    for path in [
        "/kubepods/besteffort/pod1",
        "/user.slice",
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice",
        "/a/b/kubepods",
    ] {
        assert!(!of_node(path), "{path}");
    }
}

#[test]
fn a_name_that_steers_the_terminal_is_escaped() {
    let mut finding = instances(100, &[]);
    let evil = Culprit::with_amount("evil\u{1b}]0;x\u{7}", "9 instances");
    finding.blame = Blame::only(evil, None);
    let condition = of(&with(&[finding]), ConditionType::InotifyInstancesExhausted);
    assert!(!condition.message.chars().any(char::is_control));
    assert!(condition.message.contains("evil\\x1b"), "{condition:?}");
}
