use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the node's disk says about pods and containers: no API server, no runtime socket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Containers {
    /// Directories below /var/log/pods.
    pub pod_logs: Vec<PodLog>,
    /// Names below /var/log/containers.
    pub container_logs: Vec<ContainerLog>,
    /// Containers that a runtime keeps a bundle or a configuration of.
    pub bundles: Vec<Bundle>,
}

/// `/var/log/pods/NAMESPACE_NAME_UID` (kubelet `BuildPodLogsDirectory`, pkg/kubelet/kuberuntime/helpers.go).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodLog {
    /// Kubernetes namespace.
    pub namespace: String,
    /// Pod name.
    pub name: String,
    /// Pod uid; for a static pod the hash of its manifest.
    pub uid: String,
}

/// `/var/log/containers/POD_NAMESPACE_CONTAINER-ID.log` (kubelet `LogSymlink`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerLog {
    /// Pod name.
    pub pod: String,
    /// Kubernetes namespace.
    pub namespace: String,
    /// Container name in the pod.
    pub container: String,
    /// Full container id.
    pub id: String,
}

/// Who runs a container.
#[derive(
    Hash,
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Runtime {
    /// containerd, by CRI, ctr or nerdctl.
    Containerd,
    /// CRI-O.
    CriO,
    /// Docker Engine.
    Docker,
    /// Podman.
    Podman,
    /// iSulad.
    Isulad,
    /// LXC, Incus, LXD or Proxmox VE.
    Lxc,
    /// libvirt: a virtual machine, or one of its own containers.
    Libvirt,
    /// systemd-machined: a machine of systemd-nspawn, systemd-vmspawn or another program.
    Machined,
    /// Nomad, without a container runtime.
    Nomad,
    /// Garden of Cloud Foundry.
    Garden,
    /// Amazon ECS on Fargate.
    Ecs,
    /// BuildKit, a step of a build.
    Buildkit,
    /// Firecracker's jailer.
    Firecracker,
    /// Talos: a service of the operating system.
    Talos,
    /// Slurm or YARN: a job.
    Batch,
    /// A container by its cgroup, of a runtime that left no name.
    #[default]
    Unknown,
}

/// A container as its runtime wrote it to disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// Which runtime.
    pub runtime: Runtime,
    /// containerd namespace (`k8s.io`, `default`, `moby`); empty for others.
    pub runtime_namespace: String,
    /// Container id.
    pub id: String,
    /// Human name where the runtime gives one (Docker, Podman).
    pub name: Option<String>,
    /// `linux.cgroupsPath` of the OCI configuration.
    pub cgroups_path: Option<String>,
    /// pid of the container's first process.
    pub init_pid: Option<u32>,
    /// Annotations and labels that name a pod (`io.kubernetes.*`), nothing else.
    pub annotations: BTreeMap<String, String>,
}
