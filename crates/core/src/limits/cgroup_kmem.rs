//! Kernel memory of cgroups on old kernels: ENOMEM from mkdir(2).

use super::{Command, Limit};
use crate::cause::Cause;
use crate::model::Program;

pub const LIMIT: Limit = Limit {
    commands: &[
        Command::any(
            "uname -r; cat /proc/cmdline",
            "kernel memory accounting leaks before 4.19: update the kernel, or boot with cgroup.memory=nokmem",
        ),
        Command::with(
            Program::Grubby,
            "grubby --update-kernel=ALL --args=cgroup.memory=nokmem",
            "boots without kernel memory accounting, which leaks here; then reboot, or use kernel 4.19 or later",
        ),
    ],
    ..Limit::in_logs(
        Cause::CgroupKmem,
        "An old kernel has run out of memory cgroup ids; memory is not short",
        include_str!("../../../../docs/causes/cgroup-kmem.md"),
    )
};
