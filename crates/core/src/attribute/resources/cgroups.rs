use super::{budget, estimated};
use crate::cause::Cause;
use crate::model::{Hierarchy, Snapshot};
use crate::report::Resource;

/// Memory cgroups that the kernel can number (`MEM_CGROUP_ID_MAX`, mm/memcontrol.c); removed
/// ones that still hold memory keep their number.
pub const MEMORY_CGROUP_MAX: u64 = 65_535;

/// Memory cgroups, and each `cgroup.max.descendants` that is set.
pub fn resources(snapshot: &Snapshot) -> Vec<Resource> {
    let Some(cgroups) = &snapshot.cgroups else {
        return Vec::new();
    };
    let memory = cgroups
        .hierarchies
        .iter()
        .filter(|h| h.controllers.iter().any(|c| c == "memory"))
        .map(memory);
    let descendants = cgroups.descendant_limits.iter().map(|d| {
        let subject = format!("cgroup.max.descendants of {}", d.path);
        budget(Cause::CgroupLimit, subject, d.used, d.limit, "cgroups")
    });
    memory.chain(descendants).collect()
}

fn memory(hierarchy: &Hierarchy) -> Resource {
    let of = |used| {
        budget(
            Cause::CgroupLimit,
            "memory cgroups",
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
        None => estimated(of(walked)),
    }
}

fn removed(count: u64, hierarchy: &Hierarchy) -> Option<String> {
    let removed = count.checked_sub(hierarchy.directories)?;
    (removed > 0 && !hierarchy.truncated).then(|| {
        format!(
            "{} directories below {}; {removed} more are counted that have none there",
            hierarchy.directories, hierarchy.mountpoint
        )
    })
}
