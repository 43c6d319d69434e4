//! A cpuset without CPUs or memory nodes: ENOSPC when a task is attached.

use super::Limit;
use crate::cause::Cause;

pub const LIMIT: Limit = Limit {
    commands: &[(
        "cat /sys/fs/cgroup/cpuset/kubepods/cpuset.cpus /sys/fs/cgroup/cpuset/kubepods/cpuset.mems",
        "an empty one refuses every process; write the parent's value into it",
    )],
    ..Limit::in_logs(
        Cause::CpusetEmpty,
        "A cpuset has no CPUs or no memory nodes; no disk is full",
        include_str!("../../../../docs/causes/cpuset-empty.md"),
    )
};
