//! conmon, which CRI-O and Podman keep beside each container.

use super::Monitor;
use crate::model::Runtime;

/// Options: src/cli.c of containers/conmon.
pub(super) static CONMON: Monitor = Monitor {
    program: "conmon",
    title: "conmon",
    id_flags: &["c", "cid"],
    recorded_flag: "-c",
    // Either of the two.
    runtime: Runtime::Unknown,
    watches: 1,
    // CRI-O by either driver, whatever its conmon_cgroup (internal/config/cgmgr); seen with 1.34.
    cgroups: Some("conmon cgroups"),
    source: "containers/conmon src/cgroup.c, setup_oom_handling_cgroup_v2",
};
