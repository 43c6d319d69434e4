//! What played agents say.

use nospace_core::fleet::Summary;
use serde_json::{Value, json};

/// A node that is well, with some pods.
pub fn well(name: &str) -> Summary {
    read(document(name))
}

/// A node whose watches a pod has used up.
pub fn full(name: &str) -> Summary {
    let mut said = document(name);
    said["status"] = json!("critical");
    said["kubeletStart"] = json!("fails");
    said["budgets"][0]["used"] = json!(22_829);
    said["morePods"]["pods"] = json!(0);
    said["findings"] = json!([{
        "cause": "inotify-watches", "rule": "inotify-watches", "severity": "critical", "subject": "uid 0",
        "title": "uid 0 has used 22,829 of 22,829 inotify watches (100 %)",
        "culprit": "pod logging/promtail-h4wzq: 1 instance, 22,769 watches",
        "workload": {"kind": "daemonSetOrJob", "namespace": "logging", "name": "promtail"}
    }]);
    read(said)
}

fn read(document: Value) -> Summary {
    Summary::read(document.to_string().as_bytes()).unwrap()
}

fn document(name: &str) -> Value {
    let workloads: Vec<Value> = (0..8)
        .map(|n| {
            json!({"kind": "deployment", "namespace": "shop", "name": format!("web-{n}"), "instances": 8 - n, "watches": 100 * (8 - n), "parts": 1})
        })
        .collect();
    json!({
        "schemaVersion": 1, "node": name, "kernel": "6.12.0", "cgroupVersion": "v2", "nospaceVersion": "0.1.0",
        "takenAt": "2026-01-01T00:00:00Z", "status": "ok", "headline": "uid 0 uses 60/128 inotify instances",
        "kubeletStart": "starts", "morePods": {"pods": 22, "binds": "instances", "provenance": "exact"}, "nextFull": null,
        "limits": {"maxUserInstances": 128, "maxUserWatches": 22829, "maxQueuedEvents": 16384},
        "budgets": [
            {"cause": "inotify-watches", "subject": "uid 0", "used": 4_000, "limit": 22_829, "unit": "watches", "provenance": "exact"},
            {"cause": "inotify-instances", "subject": "uid 0", "used": 20, "limit": 128, "unit": "instances", "provenance": "exact"},
        ],
        "workloadsProvenance": "exact", "workloads": workloads
    })
}
