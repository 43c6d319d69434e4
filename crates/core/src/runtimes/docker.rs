//! Docker Engine; under a kubelet by dockershim or cri-dockerd.

use super::containerd::SHIM;
use super::kubelet_labels::KUBELET_LABELS;
use super::{Annotation, DaemonUse, Images, Role, RuntimeDefinition, Store, VersionUse};
use crate::model::{Program, Runtime};

pub(super) static DOCKER: RuntimeDefinition = RuntimeDefinition {
    runtime: Runtime::Docker,
    name: "docker",
    title: "Docker",
    aliases: &[],
    daemon: Some("dockerd"),
    command: Some(Program::Docker),
    client: Program::Docker,
    service: Some("docker"),
    monitor: &SHIM,
    cgroup_prefixes: &[("docker-", Role::Payload)],
    cgroup_parent: Some("docker"),
    stores: &[
        Store::ContainerdState("/run/docker/containerd/daemon"),
        Store::DockerData("/var/lib/docker"),
    ],
    rootless_stores: &[Store::DockerData("docker")],
    keeps_ended: true,
    engine: None,
    containerd_namespace: Some("moby"),
    // Of dockershim: pkg/kubelet/dockershim/docker_service.go.
    annotations: &[
        KUBELET_LABELS,
        &[
            (Annotation::ContainerType, "io.kubernetes.docker.type"),
            (Annotation::SandboxId, "io.kubernetes.sandbox.id"),
        ],
    ],
    inspect: |_, id| Some(format!("docker inspect {id}")),
    images: Some(Images {
        directory: "/var/lib/docker",
        program: Program::Docker,
        prune: "docker image prune",
        why: "Removes dangling images; it asks first.",
    }),
    daemon_use: Some(DaemonUse {
        who: "dockerd and containerd",
        versions: &[
            VersionUse {
                since: (0, 0),
                why: "CNI configuration",
                instances: 1,
                watches: 1,
            },
            VersionUse {
                since: (25, 0),
                why: "CNI configuration, CDI",
                instances: 2,
                watches: 3,
            },
        ],
        measured: true,
        source: "0 by dockerd 20.10, 1 / 1 by its containerd; CDI's cache from 25 on, where it is switched on",
        kubelet_needs: Some((24, "cri-dockerd: dockershim was removed in 1.24")),
        own_budgets: None,
        drops_pause: false,
    }),
};
