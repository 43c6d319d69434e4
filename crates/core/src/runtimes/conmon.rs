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
    scopes: Some("conmon scopes"),
    source: "containers/conmon src/cgroup.c, setup_oom_handling_cgroup_v2",
};
