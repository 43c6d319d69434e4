//! Too many control groups, or removed ones that never go away.

use super::pressure::{self, share};
use super::remedy::{cgroup_file, on_host, remedy};
use super::sysctl::{INT_MAX, suggest_limit};
use super::{
    Command, Limit, Place, Refusal,
    errno::{EAGAIN, ENOSPC},
};
use crate::amount::thousands;
use crate::attribute::View;
use crate::cause::Cause;
use crate::model::{Hierarchy, Snapshot};
use crate::report::{Blame, Finding, Remedy, Resource, Rule, Severity, Subject};

/// Memory cgroups that the kernel can number (`MEM_CGROUP_ID_MAX`, mm/memcontrol.c); removed
/// ones that still hold memory keep their number.
pub const MEMORY_CGROUP_MAX: u64 = 65_535;

/// Removed cgroups linger while their page cache does; fewer than this are no leak.
const LINGERING: u64 = 2_000;
/// This many are a leak for sure, though there is room.
const LEAK: u64 = 10_000;

const DESCENDANTS: &str = "cgroup.max.descendants";

pub const LIMIT: Limit = Limit {
    // A limit of descendants or depth is refused with EAGAIN (`cgroup_mkdir`, kernel/cgroup/cgroup.c).
    refusals: &[
        Refusal::of("mkdir", ENOSPC).at(Place::Cgroupfs),
        Refusal::of("mkdirat", ENOSPC).at(Place::Cgroupfs),
        Refusal::of("mkdir", EAGAIN),
        Refusal::of("mkdirat", EAGAIN),
    ],
    collector: Some("cgroups"),
    usage,
    findings,
    commands: &[
        Command::any(
            "grep -E 'subsys|memory' /proc/cgroups; find /sys/fs/cgroup -type d | wc -l",
            "a count far above the directories is removed cgroups that still hold memory",
        ),
        Command::kernel(
            "echo 2 > /proc/sys/vm/drop_caches",
            "frees what keeps removed memory cgroups alive; slow, and cold caches after it",
        ),
    ],
    ..Limit::in_logs(
        Cause::CgroupLimit,
        "The kernel creates no more cgroups; no disk is full",
        include_str!("../../../../docs/causes/cgroup-limit.md"),
    )
};

/// Memory cgroups, and each `cgroup.max.descendants` that is set.
fn usage(snapshot: &Snapshot) -> Vec<Resource> {
    let Some(cgroups) = &snapshot.cgroups else {
        return Vec::new();
    };
    let hierarchies = cgroups.hierarchies.iter();
    let memory = hierarchies
        .filter(|h| h.controllers.iter().any(|c| c == "memory"))
        .map(memory);
    let descendants = cgroups.descendant_limits.iter().map(|limited| {
        let subject = Subject::Cgroup {
            limit: DESCENDANTS,
            path: limited.path.clone(),
        };
        let (used, limit) = (limited.used, limited.limit);
        Resource::exact(Cause::CgroupLimit, subject, used, limit, "cgroups")
    });
    memory.chain(descendants).collect()
}

fn memory(hierarchy: &Hierarchy) -> Resource {
    let of = |used| {
        let subject = Subject::MemoryCgroups;
        Resource::exact(
            Cause::CgroupLimit,
            subject,
            used,
            MEMORY_CGROUP_MAX,
            "cgroups",
        )
    };
    let walked = hierarchy
        .directories
        .saturating_add(hierarchy.dying.unwrap_or(0));
    match hierarchy.kernel_count {
        Some(count) => Resource {
            note: removed(count, hierarchy),
            ..of(count)
        },
        None => of(walked).estimated(),
    }
}

fn removed(count: u64, hierarchy: &Hierarchy) -> Option<String> {
    let removed = count.checked_sub(hierarchy.directories)?;
    (removed > 0 && !hierarchy.truncated).then(|| {
        format!(
            "{} directories below {}; {} more are counted that have none there",
            thousands(hierarchy.directories),
            hierarchy.mountpoint,
            thousands(removed)
        )
    })
}

fn findings(view: &View) -> Vec<Finding> {
    let pressed = pressure::pressed(view, Cause::CgroupLimit).map(|at| full(view, at));
    let mut findings: Vec<Finding> = pressed.collect();
    let memory_is_pressed = findings.iter().any(|f| f.subject == Subject::MemoryCgroups);
    let hierarchies = view.snapshot.cgroups.iter().flat_map(|c| &c.hierarchies);
    if let Some(worst) = hierarchies.max_by_key(|h| lingering(h)) {
        findings.extend(leak(view, worst).filter(|_| !memory_is_pressed));
    }
    findings
}

fn full(view: &View, (resource, severity): (&Resource, Severity)) -> Finding {
    let descendants = match &resource.subject {
        Subject::Cgroup { path, .. } => Some(path.as_str()),
        _ => None,
    };
    let (title, remedies) = match descendants {
        None => (
            format!(
                "{} of {} memory cgroups are in use ({})",
                thousands(resource.used),
                thousands(MEMORY_CGROUP_MAX),
                share(resource)
            ),
            dying_remedies(view),
        ),
        Some(path) => (
            format!(
                "{path} has {} of {} cgroups that it may have below it ({})",
                thousands(resource.used),
                thousands(resource.limit),
                share(resource)
            ),
            raise_descendants(view, path, resource)
                .into_iter()
                .collect(),
        ),
    };
    let (rule, place, error) = match descendants {
        None => (
            Rule::Exhaustion(Cause::CgroupLimit),
            "/sys/fs/cgroup",
            "ENOSPC",
        ),
        Some(path) => (Rule::CgroupDescendants, path, "EAGAIN"),
    };
    Finding {
        rule,
        victims: vec![format!(
            "containers started below {place}: mkdir(2) fails with {error}"
        )],
        ..pressure::finding((resource, severity), title, remedies)
    }
}

fn raise_descendants(view: &View, path: &str, resource: &Resource) -> Option<Remedy> {
    let value = suggest_limit(resource.used, resource.limit, 0, INT_MAX)?;
    let hierarchies = &view.snapshot.cgroups.as_ref()?.hierarchies;
    let mountpoint = &hierarchies.iter().find(|h| h.unified)?.mountpoint;
    let file = cgroup_file(mountpoint, path, DESCENDANTS)?;
    Some(remedy(
        format!("echo {value} > {file}"),
        "Takes effect at once; the program that made the cgroup set the limit, and sets it again.",
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

fn leak(view: &View, hierarchy: &Hierarchy) -> Option<Finding> {
    let gone = lingering(hierarchy);
    if gone < LINGERING || gone < hierarchy.directories.saturating_mul(2) {
        return None;
    }
    let mut evidence = vec![format!(
        "{} directories below {} (exact: walked)",
        thousands(hierarchy.directories),
        hierarchy.mountpoint
    )];
    let counted = hierarchy.kernel_count;
    evidence.extend(counted.map(|n| {
        format!(
            "{} cgroups counted in /proc/cgroups (exact: the kernel's own number)",
            thousands(n)
        )
    }));
    let dying = hierarchy.dying;
    evidence.extend(dying.map(|n| {
        format!(
            "{} dying cgroups in cgroup.stat (exact: the kernel's own number)",
            thousands(n)
        )
    }));
    Some(Finding {
        cause: Cause::CgroupLimit,
        rule: Rule::CgroupLeak,
        severity: if gone >= LEAK {
            Severity::Warning
        } else {
            Severity::Info
        },
        subject: Subject::Hierarchy(hierarchy.mountpoint.clone()),
        title: format!(
            "{} removed cgroups still count against the kernel's {}; {} are in use",
            thousands(gone),
            thousands(MEMORY_CGROUP_MAX),
            thousands(hierarchy.directories)
        ),
        evidence,
        blame: Blame::Unknown,
        victims: Vec::new(),
        remedies: dying_remedies(view),
    })
}

/// Page cache is what keeps a removed cgroup most often.
fn dying_remedies(view: &View) -> Vec<Remedy> {
    vec![
        remedy(
            on_host(view, "vm.drop_caches", "echo 2 > /proc/sys/vm/drop_caches"),
            "Frees the kernel objects that keep removed cgroups; reads are slower for a while. Check the count \
             again afterwards: what stays is a leak of the kernel or of a process that holds them.",
        ),
        remedy(
            "find /sys/fs/cgroup -type d | cut -d/ -f1-7 | sort | uniq -c | sort -n | tail",
            "Shows where the cgroups are that were never removed.",
        ),
    ]
}
