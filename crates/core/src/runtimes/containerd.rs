//! containerd, by CRI, ctr or nerdctl.

use super::{Annotation, DaemonUse, Images, Monitor, Role, RuntimeDefinition, Store, VersionUse};
use crate::model::{Program, Runtime};

/// Its namespace for what the kubelet runs (internal/cri/constants).
pub const CRI_NAMESPACE: &str = "k8s.io";

pub(super) static CONTAINERD: RuntimeDefinition = RuntimeDefinition {
    runtime: Runtime::Containerd,
    name: "containerd",
    title: "containerd",
    aliases: &[],
    daemon: Some("containerd"),
    command: Some(Program::Nerdctl),
    client: Program::Ctr,
    service: Some("containerd"),
    monitor: &SHIM,
    // `getCgroupsPath`, internal/cri/server/helpers.go; nerdctl pkg/cmd/container.
    cgroup_prefixes: &[
        ("cri-containerd-", Role::Payload),
        ("nerdctl-", Role::Payload),
    ],
    cgroup_parent: None,
    stores: &[Store::ContainerdState("/run/containerd")],
    rootless_stores: &[],
    keeps_ended: false,
    engine: None,
    containerd_namespace: None,
    // internal/cri/annotations.
    annotations: &[&[
        (Annotation::Name, "nerdctl/name"),
        (
            Annotation::ContainerName,
            "io.kubernetes.cri.container-name",
        ),
        (
            Annotation::ContainerType,
            "io.kubernetes.cri.container-type",
        ),
        (
            Annotation::PodNamespace,
            "io.kubernetes.cri.sandbox-namespace",
        ),
        (Annotation::PodName, "io.kubernetes.cri.sandbox-name"),
        (Annotation::PodUid, "io.kubernetes.cri.sandbox-uid"),
        (Annotation::SandboxId, "io.kubernetes.cri.sandbox-id"),
    ]],
    inspect: |namespace, id| {
        (!namespace.is_empty()).then(|| format!("ctr -n {namespace} containers info {id}"))
    },
    images: Some(Images {
        directory: "/var/lib/containerd",
        program: Program::Crictl,
        prune: "crictl rmi --prune",
        why: "Removes images that no container uses; they are pulled again when needed.",
    }),
    daemon_use: Some(DaemonUse {
        who: "containerd",
        versions: &[
            VersionUse {
                since: (0, 0),
                why: "CNI configuration",
                instances: 1,
                watches: 1,
            },
            // The first that keeps a cache of the Container Device Interface: one instance, and a watch for each of its two
            // directories that is there.
            VersionUse {
                since: (2, 0),
                why: "CNI configuration, CDI",
                instances: 2,
                watches: 3,
            },
        ],
        measured: true,
        source: "1 / 1 by 1.6 and 1.7, 2 / 3 by 2.2 and 2.4; containerd internal/cri/server/cni_conf_syncer.go, CDI's cache from 2.0 on (containerd#9621)",
        kubelet_needs: None,
        // pkg/sys/unshare_linux.go, startProcessWithUserNamespace.
        own_budgets: Some((2, 3)),
        drops_pause: false,
    }),
};

/// One a pod for CRI, with the id of the sandbox (core/runtime/v2/shim.go); before the runtime API v2 one a container, by `-workdir`.
pub(super) static SHIM: Monitor = Monitor {
    program: "containerd-shim",
    title: "containerd shims",
    id_flags: &["id", "workdir"],
    recorded_flag: "-id",
    runtime: Runtime::Containerd,
    watches: 2,
    cgroups: None,
    source: "containerd/cgroups cgroup2/manager.go, MemoryEventFD",
};
