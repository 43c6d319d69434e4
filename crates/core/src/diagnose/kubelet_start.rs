//! A kubelet that runs, and would not start again.

use crate::amount::thousands;
use crate::attribute::View;
use crate::limits::describe;
use crate::limits::raise;
use crate::limits::{blame, inotify};
use crate::model::{InotifyResource, UserKey};
use crate::report::{Finding, KubeletStart, Remedy, Rule, Severity, StartVerdict, Subject};

pub fn find(view: &View) -> Vec<Finding> {
    let Some(start) = view.forecast.kubelet_start.as_ref() else {
        return Vec::new();
    };
    let severity = match start.verdict {
        StartVerdict::Starts | StartVerdict::Unknown => return Vec::new(),
        StartVerdict::Barely => Severity::Warning,
        StartVerdict::Fails => Severity::Critical,
    };
    if view.is_of_kubernetes() {
        vec![finding(view, start, severity)]
    } else {
        Vec::new()
    }
}

fn finding(view: &View, start: &KubeletStart, severity: Severity) -> Finding {
    let resource = start.scarce();
    let (needed, free) = figures(start, resource);
    let key = UserKey::from(start.account);
    // What the kubelet holds it gives back.
    let kubelet = start.kubelet_pid.map(|pid| view.part(pid));
    let mut holders = inotify::top(view, resource, key);
    holders.retain(|h| Some(&h.part) != kubelet.as_ref());
    let budget = view.user(key).map_or(0, |u| u.budget(resource).size());
    let would = match severity {
        Severity::Critical => "would fail to restart",
        _ => "would barely restart",
    };
    let left = match free {
        0 => "none left".to_owned(),
        free => format!("only {} left", thousands(free)),
    };
    let source = view
        .user(key)
        .map(|u| describe::inotify_source(u.budget(resource).provenance))
        .unwrap_or("no use seen");
    Finding {
        cause: resource.cause(),
        rule: Rule::KubeletStart,
        severity,
        subject: Subject::User(key),
        title: format!(
            "The kubelet {would}: it needs {} {}, but {} has {left}",
            thousands(needed),
            resource.noun_of(needed),
            view.caption(&Subject::User(key))
        ),
        evidence: vec![
            format!(
                "watches: {} needed (estimated), {} free, of which the running kubelet gives back {} ({source})",
                thousands(start.watches_needed),
                thousands(start.watches_free),
                thousands(start.watches_given_back)
            ),
            format!(
                "instances: {} needed (estimated), {} free, of which the running kubelet gives back {} ({source})",
                thousands(start.instances_needed),
                thousands(start.instances_free),
                thousands(start.instances_given_back)
            ),
            start.basis.clone(),
        ],
        blame: blame::of_inotify(view, resource, key, &holders, budget),
        victims: vec![match start.kubelet_pid {
            Some(pid) => format!("kubelet (pid {pid}), at its next start"),
            None => "kubelet".to_owned(),
        }],
        remedies: remedies(view, start),
    }
}

fn figures(start: &KubeletStart, resource: InotifyResource) -> (u64, u64) {
    (start.needed()[resource], start.free()[resource])
}

/// Raises whatever is within a tenth of what is needed.
fn remedies(view: &View, start: &KubeletStart) -> Vec<Remedy> {
    let Some(account) = view.user(start.account.into()) else {
        return Vec::new();
    };
    InotifyResource::BOTH
        .into_iter()
        .filter(|resource| {
            let (needed, free) = figures(start, *resource);
            free <= needed.saturating_add(needed / 10)
        })
        .flat_map(|resource| raise(view, resource, account, figures(start, resource).0))
        .collect()
}
