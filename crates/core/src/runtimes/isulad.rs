//! iSulad, of openEuler. Read in its sources, openeuler-mirror/iSulad at fd0fcf8 (2.1); not played for real.

use super::kubelet_labels::KUBELET_LABELS;
use super::{DaemonUse, Images, Monitor, Role, RuntimeDefinition, VersionUse};
use crate::model::{Program, Runtime};

/// The shim itself holds nothing: the daemon has an instance for each container, with a watch on `memory.events` and one on
/// the FIFO that goes when the container ends. Its arguments are words without flags (src/cmd/isulad-shim/main.c).
static SHIM: Monitor = Monitor {
    program: "isulad-shim",
    title: "isulad for containers",
    id_flags: &[],
    recorded_flag: "",
    runtime: Runtime::Isulad,
    watches: 2,
    cgroups: None,
    source: "iSulad src/daemon/common/cgroup/cgroup_v2.c, get_cgroup_v2_oom_handler, held by isulad",
};

pub(super) static ISULAD: RuntimeDefinition = RuntimeDefinition {
    runtime: Runtime::Isulad,
    name: "isulad",
    title: "iSulad",
    aliases: &["isula"],
    daemon: Some("isulad"),
    command: None,
    client: Program::Crictl,
    service: Some("isulad"),
    monitor: &SHIM,
    // merge_container_cgroups_path and do_get_container_cgroup_path, src/daemon/modules/spec/specs.c.
    cgroup_prefixes: &[("isulad-", Role::Payload)],
    cgroup_parent: Some("isulad"),
    // Its files are not read: pods are named by the kubelet's directories, other containers by their ids.
    stores: &[],
    rootless_stores: &[],
    keeps_ended: true,
    engine: None,
    containerd_namespace: None,
    annotations: &[KUBELET_LABELS],
    inspect: |_, id| Some(format!("crictl inspect {id}")),
    images: Some(Images {
        directory: "/var/lib/isulad",
        program: Program::Crictl,
        prune: "crictl rmi --prune",
        why: "Removes images that no container uses; they are pulled again when needed.",
    }),
    daemon_use: Some(DaemonUse {
        who: "isulad",
        versions: &[VersionUse {
            since: (0, 0),
            why: "none but those of containers",
            instances: 0,
            watches: 0,
        }],
        measured: false,
        source: "no other inotify_init in its sources; not measured",
        kubelet_needs: None,
        own_budgets: None,
        drops_pause: false,
    }),
};
