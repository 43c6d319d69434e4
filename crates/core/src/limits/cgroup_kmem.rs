//! Kernel memory of cgroups on old kernels: ENOMEM from mkdir(2).

use super::Limit;
use crate::cause::Cause;

pub const LIMIT: Limit = Limit {
    commands: &[(
        "grubby --update-kernel=ALL --args=cgroup.memory=nokmem",
        "boots without kernel memory accounting, which leaks here; then reboot, or use kernel 4.19 or later",
    )],
    ..Limit::in_logs(
        Cause::CgroupKmem,
        "An old kernel has run out of memory cgroup ids; memory is not short",
        include_str!("../../../../docs/causes/cgroup-kmem.md"),
    )
};
