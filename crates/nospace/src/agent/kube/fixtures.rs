//! Observations for tests: recorded nodes, with findings put into them.

use std::time::{Duration, Instant};

use nospace_core::cause::Cause;
use nospace_core::report::{
    Blame, Culprit, Finding, PodRef, Remedy, Report, Rule, Severity, Share, Subject,
};

use crate::agent::observation::Observation;
use crate::agent::pages::Pages;

const HEALTHY: &str = include_str!("../../../../../tests/nodes/healthy-v2/report.json");
const WATCHES: &str = include_str!("../../../../../tests/nodes/watches-v1/report.json");

/// A healthy node.
pub fn healthy() -> Report {
    serde_json::from_str(HEALTHY).unwrap()
}

/// A real node on which a pod has used up the watches.
pub fn watches_exhausted() -> Report {
    serde_json::from_str(WATCHES).unwrap()
}

/// A pod of namespace `default`.
pub fn pod(name: &str) -> PodRef {
    PodRef {
        namespace: "default".to_owned(),
        name: name.to_owned(),
        uid: format!("uid-of-{name}"),
    }
}

/// A finding: these pods use so much of uid 0's instances.
pub fn instances(percent: u64, pods: &[PodRef]) -> Finding {
    let share = |pod: &PodRef| Share {
        held: percent,
        culprit: Culprit::with_amount(
            format!("pod {}/{}", pod.namespace, pod.name),
            format!("{percent} instances, 1 watch"),
        ),
        pod: Some(pod.clone()),
    };
    Finding {
        cause: Cause::InotifyInstances,
        rule: Rule::Exhaustion(Cause::InotifyInstances),
        severity: if percent >= 95 {
            Severity::Critical
        } else {
            Severity::Warning
        },
        subject: Subject::uid(0),
        title: format!("uid 0 has used {percent} of 100 inotify instances ({percent} %)"),
        evidence: Vec::new(),
        blame: Blame::of(100, pods.iter().map(share).collect(), Vec::new),
        victims: Vec::new(),
        remedies: vec![Remedy {
            command: "sysctl -w fs.inotify.max_user_instances=8192".to_owned(),
            why: String::new(),
        }],
    }
}

/// A healthy node with these findings.
pub fn with(findings: &[Finding]) -> Report {
    let mut report = healthy();
    report.findings = findings.to_vec();
    report
}

/// An observation `seconds` after `start`.
pub fn observation(report: Report, start: Instant, seconds: u64) -> Observation {
    Observation {
        number: seconds + 1,
        report,
        finished_at: start + Duration::from_secs(seconds),
        duration: Duration::from_millis(2),
        growth: Vec::new(),
        raise_counts: std::collections::BTreeMap::new(),
        limit_raises: Vec::new(),
        guard: None,
        pages: Pages::default(),
    }
}
