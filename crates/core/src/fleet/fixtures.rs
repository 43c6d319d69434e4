//! Nodes of a fleet for tests.

use std::collections::BTreeMap;

use super::{
    Answer, Failure, FailureKind, FindingSummary, Fleet, FleetRule, MorePods, Origin, Pool, Row,
    Summary, WorkloadUse,
};
use crate::model::{InotifyResource, Provenance};
use crate::report::{InotifyLimits, Severity, StartVerdict, Status};
use crate::workload::Workload;

/// What a node says that is well.
pub fn summary(name: &str) -> Summary {
    Summary {
        schema_version: 1,
        node: name.to_owned(),
        kernel: "6.12.0".to_owned(),
        cgroup_version: crate::model::CgroupVersion::V2,
        nospace_version: "0.1.0".to_owned(),
        taken_at: "2026-01-01T00:00:00Z".to_owned(),
        status: Status::reported(0).unwrap(),
        headline: "uid 0 uses 12/128 inotify instances".to_owned(),
        kubelet_start: Some(StartVerdict::Starts),
        more_pods: Some(MorePods {
            pods: Some(20),
            binds: Some(InotifyResource::Instances),
            provenance: Provenance::Exact,
        }),
        guard: None,
        next_full: None,
        checks: Some(40),
        limits: Some(InotifyLimits {
            max_user_instances: 128,
            max_user_watches: 8_192,
            max_queued_events: 16_384,
        }),
        findings: Vec::new(),
        budgets: Vec::new(),
        unseen: Vec::new(),
        not_covered: Vec::new(),
        workloads_provenance: Provenance::Exact,
        workloads: Vec::new(),
        omitted: super::Omitted::default(),
    }
}

/// A critical finding with pod `shop/web-0` as its culprit.
pub fn finding(cause: &str) -> FindingSummary {
    FindingSummary {
        cause: cause.to_owned(),
        rule: "rule".to_owned(),
        severity: Severity::Critical,
        subject: "uid 0".to_owned(),
        title: "full".to_owned(),
        culprit: Some("pod shop/web-0".to_owned()),
        workload: Some(Workload::of_pod("shop", "web-0", "u", "n")),
        group: None,
    }
}

/// What a pod of namespace `shop` holds.
pub fn workload(pod: &str, instances: u64, watches: u64) -> WorkloadUse {
    WorkloadUse {
        workload: Workload::of_pod("shop", pod, "uid", "node"),
        instances,
        watches,
        parts: 1,
    }
}

/// A node of pool `blue` that says this.
pub fn row(summary: Summary) -> Row {
    let labels = BTreeMap::from([("agentpool".to_owned(), "blue".to_owned())]);
    let pool = Pool::of(&labels, None);
    let node = summary.node.clone();
    Row::new(
        node,
        pool,
        Some(true),
        Some(3),
        Answer::Summary(Box::new(summary)),
    )
}

/// A node that says nothing.
pub fn silent(name: &str, kind: FailureKind) -> Row {
    let failure = Answer::Failure(Failure::new(kind, "why"));
    Row::new(name.to_owned(), None, Some(true), None, failure)
}

/// This row, checked `age` seconds ago.
pub fn aged(row: Row, age: Option<u64>) -> Row {
    Row::new(row.node, row.pool, row.ready, age, row.answer)
}

/// What these nodes say together.
pub fn fleet(rows: Vec<Row>) -> Fleet {
    super::conclude(rows, Origin::default())
}

/// What was found.
pub fn rules(fleet: &Fleet) -> Vec<FleetRule> {
    fleet.findings.iter().map(|finding| finding.rule).collect()
}
