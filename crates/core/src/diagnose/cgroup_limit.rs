//! Too many control groups, or removed ones that never go away.

use super::pressure::{self, share};
use super::remedy::{cgroup_file, remedy, roomy};
use crate::attribute::{MEMORY_CGROUP_MAX, View};
use crate::cause::Cause;
use crate::model::Hierarchy;
use crate::report::{Finding, Remedy, Resource, Severity};

/// Removed cgroups linger while their page cache does; fewer than this are no leak.
const LINGERING: u64 = 2_000;
/// So many are a leak for sure, though there is room.
const LEAK: u64 = 10_000;

pub fn find(view: &View) -> Vec<Finding> {
    let pressed = pressure::pressed(view, Cause::CgroupLimit).map(|at| full(view, at));
    let mut findings: Vec<Finding> = pressed.collect();
    let memory_is_pressed = findings.iter().any(|f| f.rule == "cgroup-limit");
    let hierarchies = view.snapshot.cgroups.iter().flat_map(|c| &c.hierarchies);
    if let Some(worst) = hierarchies.max_by_key(|h| lingering(h)) {
        findings.extend(leak(worst).filter(|_| !memory_is_pressed));
    }
    findings
}

fn full(view: &View, (resource, severity): (&Resource, Severity)) -> Finding {
    let descendants = resource.subject.strip_prefix("cgroup.max.descendants of ");
    let (title, remedies) = match descendants {
        None => (
            format!(
                "{} of {MEMORY_CGROUP_MAX} memory cgroups are in use ({})",
                resource.used,
                share(resource)
            ),
            dying_remedies(),
        ),
        Some(path) => (
            format!(
                "{path} has {} of {} cgroups that it may have below it ({})",
                resource.used,
                resource.limit,
                share(resource)
            ),
            raise_descendants(view, path, resource)
                .into_iter()
                .collect(),
        ),
    };
    // A limit of descendants is refused with EAGAIN (`cgroup_mkdir`, kernel/cgroup/cgroup.c).
    let (rule, place, error) = match descendants {
        None => ("cgroup-limit", "/sys/fs/cgroup", "ENOSPC"),
        Some(path) => ("cgroup-descendants", path, "EAGAIN"),
    };
    Finding {
        victims: vec![format!(
            "whoever starts a container below {place}: mkdir(2) fails with {error}"
        )],
        ..pressure::finding(rule, (resource, severity), title, remedies)
    }
}

fn raise_descendants(view: &View, path: &str, resource: &Resource) -> Option<Remedy> {
    let value = roomy(resource.used, resource.limit, 0, i32::MAX as u64)?;
    let hierarchies = &view.snapshot.cgroups.as_ref()?.hierarchies;
    let mountpoint = &hierarchies.iter().find(|h| h.unified)?.mountpoint;
    let file = cgroup_file(mountpoint, path, "cgroup.max.descendants")?;
    Some(remedy(
        format!("echo {value} > {file}"),
        "Takes effect at once; whoever made the cgroup set the limit, and sets it again.",
    ))
}

/// Cgroups that the kernel counts and no directory stands for.
fn lingering(hierarchy: &Hierarchy) -> u64 {
    let counted = match hierarchy.kernel_count {
        Some(count) if !hierarchy.truncated => count.saturating_sub(hierarchy.directories),
        _ => 0,
    };
    counted.max(hierarchy.dying.unwrap_or(0))
}

fn leak(hierarchy: &Hierarchy) -> Option<Finding> {
    let gone = lingering(hierarchy);
    if gone < LINGERING || gone < hierarchy.directories.saturating_mul(2) {
        return None;
    }
    let mut evidence = vec![format!(
        "{} directories below {} (exact: walked)",
        hierarchy.directories, hierarchy.mountpoint
    )];
    let counted = hierarchy.kernel_count;
    evidence.extend(
        counted.map(|n| {
            format!("{n} cgroups counted in /proc/cgroups (exact: the kernel's own number)")
        }),
    );
    let dying = hierarchy.dying;
    evidence.extend(
        dying.map(|n| format!("{n} dying cgroups in cgroup.stat (exact: the kernel's own number)")),
    );
    Some(Finding {
        cause: Cause::CgroupLimit,
        rule: "cgroup-leak".to_owned(),
        severity: if gone >= LEAK {
            Severity::Warning
        } else {
            Severity::Info
        },
        subject: hierarchy.mountpoint.clone(),
        title: format!(
            "{gone} removed cgroups still count against the kernel's {MEMORY_CGROUP_MAX}; {} are in use",
            hierarchy.directories
        ),
        evidence,
        culprits: Vec::new(),
        culprit_pods: Vec::new(),
        victims: Vec::new(),
        remedies: dying_remedies(),
    })
}

/// Page cache is what keeps a removed cgroup most often.
fn dying_remedies() -> Vec<Remedy> {
    vec![
        remedy(
            "echo 2 > /proc/sys/vm/drop_caches",
            "Frees the kernel objects that keep removed cgroups; reads are slower for a while. Look at the count \
             again afterwards: what stays is a leak of the kernel or of a process that holds them.",
        ),
        remedy(
            "find /sys/fs/cgroup -type d | cut -d/ -f1-7 | sort | uniq -c | sort -n | tail",
            "Shows where cgroups are that nobody removed.",
        ),
    ]
}
