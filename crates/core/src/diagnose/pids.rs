//! Processes and threads: EAGAIN from clone(2).

use super::pressure::{self, share};
use super::remedy::{self, cgroup_file, quote, remedy, roomy};
use crate::attribute::View;
use crate::cause::Cause;
use crate::model::{Hierarchy, PidsCgroup};
use crate::report::{Finding, Remedy, Resource, Severity};

/// `PID_MAX_LIMIT` of 64-bit kernels (include/linux/threads.h).
const PID_MAX_LIMIT: u64 = 4_194_304;
/// Limits below this are meant to be reached; only refusals count.
const DELIBERATE: u64 = 16;
const CGROUP: &str = "pids.max of ";

pub fn find(view: &View) -> Vec<Finding> {
    let mut findings: Vec<Finding> = pressure::pressed(view, Cause::Pids)
        .filter(|(r, _)| r.limit >= DELIBERATE || r.note.is_some())
        .map(|at| finding(view, at))
        .collect();
    findings.extend(refused(view));
    findings
}

fn finding(view: &View, (resource, severity): (&Resource, Severity)) -> Finding {
    let (title, victim, remedies) = match resource.subject.strip_prefix(CGROUP) {
        Some(path) => (
            format!(
                "{path} has {} of {} processes and threads ({})",
                resource.used,
                resource.limit,
                share(resource)
            ),
            format!("whatever runs in {path}: fork fails with EAGAIN"),
            raise_cgroup(view, path, resource).into_iter().collect(),
        ),
        None => (
            format!(
                "The node has {} threads, {} allows {} ({})",
                resource.used,
                resource.subject,
                resource.limit,
                share(resource)
            ),
            "every process: fork fails with EAGAIN".to_owned(),
            raise_sysctl(view, resource),
        ),
    };
    Finding {
        victims: vec![victim],
        ..pressure::finding("pids", (resource, severity), title, remedies)
    }
}

fn raise_sysctl(view: &View, resource: &Resource) -> Vec<Remedy> {
    roomy(resource.used, resource.limit, 32_768, PID_MAX_LIMIT)
        .map(|value| {
            let why = "raises how many threads the node may have";
            remedy::sysctl(view, &resource.subject, &value.to_string(), why)
        })
        .unwrap_or_default()
}

fn raise_cgroup(view: &View, path: &str, resource: &Resource) -> Option<Remedy> {
    let value = roomy(resource.used, resource.limit, 0, PID_MAX_LIMIT)?;
    if path.contains("kubepods") {
        return Some(remedy(
            "grep -n -i podPidsLimit /var/lib/kubelet/config.yaml",
            format!(
                "The kubelet sets this limit; podPidsLimit: {value} there, and new pods have room."
            ),
        ));
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    let unit = [".service", ".scope", ".slice"]
        .iter()
        .any(|s| name.ends_with(s));
    // A user's own systemd has units that the system's does not know.
    if unit && !path.contains("/user@") {
        return Some(remedy(
            format!("systemctl set-property {} TasksMax={value}", quote(name)?),
            "Takes effect at once, and at the next start.",
        ));
    }
    let hierarchies = &view.snapshot.cgroups.as_ref()?.hierarchies;
    let pids = |h: &&Hierarchy| h.controllers.iter().any(|c| c == "pids");
    let mountpoint = &hierarchies.iter().find(pids)?.mountpoint;
    Some(remedy(
        format!(
            "echo {value} > {}",
            cgroup_file(mountpoint, path, "pids.max")?
        ),
        "Takes effect at once, until whoever made the cgroup sets it again.",
    ))
}

/// Refusals of the past, in cgroups that have room now.
fn refused(view: &View) -> Option<Finding> {
    let roomy = |c: &&PidsCgroup| {
        let percent = crate::report::percent(c.current, c.max);
        c.refused > 0 && percent < Some(pressure::WARNING)
    };
    let pids = view.snapshot.pids.as_ref()?;
    let mut cgroups: Vec<&PidsCgroup> = pids.cgroups.iter().filter(roomy).collect();
    cgroups.sort_by_key(|c| std::cmp::Reverse(c.refused));
    let first = cgroups.first()?;
    Some(Finding {
        cause: Cause::Pids,
        rule: "pids-refused".to_owned(),
        severity: Severity::Info,
        subject: format!("{CGROUP}{}", first.path),
        title: format!(
            "{} refused {} forks since it was made; it has room now",
            first.path, first.refused
        ),
        evidence: cgroups
            .iter()
            .take(8)
            .map(|c| {
                format!(
                    "{}: {} forks refused, {} of {} threads now (exact: pids.events, pids.current)",
                    c.path, c.refused, c.current, c.max
                )
            })
            .collect(),
        culprits: Vec::new(),
        culprit_pods: Vec::new(),
        victims: cgroups.iter().take(8).map(|c| c.path.clone()).collect(),
        remedies: Vec::new(),
    })
}
