//! A kubelet that runs, and would not start again.

use super::inotify;
use super::kind::Kind;
use super::raise::raise;
use super::words;
use crate::attribute::View;
use crate::model::UserKey;
use crate::report::{Finding, KubeletStart, Owner, Remedy, Severity, StartVerdict};

pub fn find(view: &View) -> Vec<Finding> {
    let Some(start) = view.forecast.kubelet_start.as_ref() else {
        return Vec::new();
    };
    let severity = match start.verdict {
        StartVerdict::Starts => return Vec::new(),
        StartVerdict::Barely => Severity::Warning,
        StartVerdict::Fails => Severity::Critical,
    };
    if on_kubernetes(view, start) {
        vec![finding(view, start, severity)]
    } else {
        Vec::new()
    }
}

/// Whether a kubelet belongs on this machine at all.
fn on_kubernetes(view: &View, start: &KubeletStart) -> bool {
    let snapshot = view.snapshot;
    let has_pod = || view.owners.values().any(|o| matches!(o, Owner::Pod { .. }));
    let in_pod = || {
        let mut paths = snapshot.processes.iter().flat_map(|p| &p.cgroups);
        paths.any(|c| c.path.contains("kubepods"))
    };
    start.kubelet_pid.is_some() || !snapshot.containers.pod_logs.is_empty() || has_pod() || in_pod()
}

fn finding(view: &View, start: &KubeletStart, severity: Severity) -> Finding {
    let kind = scarce(start);
    let (needed, free) = figures(start, kind);
    let key = UserKey::initial(0);
    // What the kubelet holds it gives back.
    let kubelet = start.kubelet_pid.map(|pid| view.part(pid));
    let mut holders = inotify::top(view, kind, key);
    holders.retain(|h| Some(&h.part) != kubelet.as_ref());
    let used = view.user(key).map_or(0, |u| kind.budget(u).used);
    let culprits = inotify::culprits(kind, &holders, used);
    let would = match severity {
        Severity::Critical => "would fail",
        _ => "would barely succeed",
    };
    let source = view
        .user(key)
        .map(|u| words::inotify_source(kind.budget(u).provenance))
        .unwrap_or("no use seen");
    Finding {
        cause: kind.cause(),
        rule: "kubelet-start".to_owned(),
        severity,
        subject: words::user(key),
        title: format!(
            "The next start of the kubelet {would}: it needs {needed} {}, and uid 0 has {free} for it",
            kind.noun()
        ),
        evidence: vec![
            format!(
                "watches: {} needed (estimated), {} free, of which the running kubelet gives back {} ({source})",
                start.watches_needed, start.watches_free, start.watches_given_back
            ),
            format!(
                "instances: {} needed (estimated), {} free, of which the running kubelet gives back {} ({source})",
                start.instances_needed, start.instances_free, start.instances_given_back
            ),
            start.basis.clone(),
        ],
        culprits: culprits.iter().map(|h| words::holder(view, h)).collect(),
        culprit_pods: words::pods(culprits),
        victims: vec![match start.kubelet_pid {
            Some(pid) => format!("kubelet (pid {pid}), at its next start"),
            None => "kubelet".to_owned(),
        }],
        remedies: remedies(view, start),
    }
}

/// What is shorter, measured by what is needed.
fn scarce(start: &KubeletStart) -> Kind {
    let per_mille =
        |(needed, free): (u64, u64)| u128::from(free) * 1000 / u128::from(needed.max(1));
    let watches = per_mille(figures(start, Kind::Watches));
    let instances = per_mille(figures(start, Kind::Instances));
    if instances < watches {
        Kind::Instances
    } else {
        Kind::Watches
    }
}

fn figures(start: &KubeletStart, kind: Kind) -> (u64, u64) {
    match kind {
        Kind::Watches => (start.watches_needed, start.watches_free),
        Kind::Instances => (start.instances_needed, start.instances_free),
    }
}

/// Raises whatever is within a tenth of what is needed.
fn remedies(view: &View, start: &KubeletStart) -> Vec<Remedy> {
    let Some(root) = view.user(UserKey::initial(0)) else {
        return Vec::new();
    };
    Kind::BOTH
        .into_iter()
        .filter(|kind| {
            let (needed, free) = figures(start, *kind);
            free <= needed.saturating_add(needed / 10)
        })
        .flat_map(|kind| raise(view, kind, root, figures(start, kind).0))
        .collect()
}
