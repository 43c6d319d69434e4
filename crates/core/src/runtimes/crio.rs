//! CRI-O.

use super::conmon::CONMON;
use super::kubelet_labels::KUBELET_LABELS;
use super::{Annotation, DaemonUse, Images, Role, RuntimeDefinition, Store, VersionUse};
use crate::model::{Program, Runtime};

pub(super) static CRIO: RuntimeDefinition = RuntimeDefinition {
    runtime: Runtime::CriO,
    name: "cri-o",
    title: "CRI-O",
    aliases: &["crio"],
    daemon: Some("crio"),
    command: None,
    client: Program::Crictl,
    service: Some("crio"),
    monitor: &CONMON,
    // internal/config/cgmgr.
    cgroup_prefixes: &[("crio-", Role::Payload), ("crio-conmon-", Role::Monitor)],
    cgroup_parent: None,
    // Bundles are in the first, the list of containers in the second.
    stores: &[
        Store::ContainersStorage("/run/containers/storage"),
        Store::ContainersStorage("/var/lib/containers/storage"),
    ],
    rootless_stores: &[],
    keeps_ended: true,
    engine: Some("cri-o"),
    containerd_namespace: None,
    // pkg/annotations.
    annotations: &[
        KUBELET_LABELS,
        &[
            (
                Annotation::ContainerType,
                "io.kubernetes.cri-o.ContainerType",
            ),
            (Annotation::PodNamespace, "io.kubernetes.cri-o.Namespace"),
            (Annotation::PodName, "io.kubernetes.cri-o.KubeName"),
            (Annotation::SandboxId, "io.kubernetes.cri-o.SandboxID"),
        ],
    ],
    inspect: |_, id| Some(format!("crictl inspect {id}")),
    images: Some(Images {
        directory: "/var/lib/containers",
        program: Program::Crictl,
        prune: "crictl rmi --prune",
        why: "Removes images that no container uses; they are pulled again when needed.",
    }),
    daemon_use: Some(DaemonUse {
        who: "CRI-O",
        versions: &[VersionUse {
            since: (0, 0),
            why: "container exits, CNI, hooks, CDI",
            instances: 4,
            watches: 6,
        }],
        measured: true,
        source: "4 / 6 by 1.34 with one directory of CNI plugins: server/server.go, StartExitMonitor; ocicni, newWatcher; hooks, Monitor; \
                 CDI's cache. 1 / 1 more with auto_reload_registries, 1 / 3 with stream_enable_tls",
        kubelet_needs: None,
        own_budgets: None,
        // drop_infra_ctr, true by default: server/sandbox_run_linux.go.
        drops_pause: true,
    }),
};
