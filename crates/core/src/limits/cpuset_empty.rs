//! A cpuset without CPUs or memory nodes: ENOSPC when a task is attached.

use super::{Command, Limit, Place, Refusal, errno::ENOSPC};
use crate::cause::Cause;

pub const LIMIT: Limit = Limit {
    refusals: &[Refusal::of("write", ENOSPC).at(Place::Cgroupfs)],
    commands: &[Command::any(
        "grep -rLs . /sys/fs/cgroup --include='cpuset.*effective*'",
        "shows those that are empty: such a cpuset refuses every process; write the parent's value into its cpuset.cpus or cpuset.mems",
    )],
    ..Limit::in_logs(
        Cause::CpusetEmpty,
        "A cpuset has no CPUs or no memory nodes; no disk is full",
        include_str!("../../../../docs/causes/cpuset-empty.md"),
    )
};
