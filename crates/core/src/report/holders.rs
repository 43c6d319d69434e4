//! Who holds inotify: processes, pods, containers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::UserRef;
use crate::model::Runtime;

/// The owner of a process.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Owner {
    /// The host itself: no unit and no container is known.
    #[default]
    Host,
    /// A systemd unit.
    Unit {
        /// Unit name, `containerd.service`.
        name: String,
    },
    /// A container outside any pod.
    Container {
        /// Who runs it.
        runtime: Runtime,
        /// Full id.
        id: String,
        /// Name where the runtime gives one.
        name: Option<String>,
        /// The unit of the systemd that runs inside, which is none of the host's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        inner_unit: Option<String>,
    },
    /// A pod.
    Pod {
        /// Kubernetes namespace; empty where only the uid is known.
        namespace: String,
        /// Pod name; empty where only the uid is known.
        name: String,
        /// Pod uid.
        uid: String,
        /// Container in it, where that is known.
        container: Option<ContainerRef>,
        /// What part of the pod this is.
        part: PodPart,
    },
}

/// Names a container of a pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContainerRef {
    /// Name in the pod's specification; empty where only the id is known.
    pub name: String,
    /// Full id.
    pub id: String,
}

/// What part of a pod a process is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum PodPart {
    /// One of its containers.
    #[default]
    Container,
    /// The sandbox (pause) container.
    Sandbox,
    /// The runtime's own process for it: containerd-shim, conmon.
    Shim,
}

/// A process that holds instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProcessUse {
    /// pid.
    pub pid: u32,
    /// Name of the main thread.
    pub comm: String,
    /// Instances that it holds.
    pub instances: u64,
    /// Watches in them.
    pub watches: u64,
    /// Of `instances`, those that another process holds as well.
    pub shared_instances: u64,
    /// Of `watches`, those in shared instances.
    pub shared_watches: u64,
    /// Of `instances`, those without any watch.
    pub empty_instances: u64,
    /// Whom most of its instances are charged to.
    pub charged: UserRef,
    /// Owner of the process.
    pub owner: Owner,
    /// Its command line, with `--cmdline`: the arguments in the first 4,096 bytes, lossy UTF-8; the last one ends in `…` where there are more. Of a
    /// recording the names of flags alone, unless it has more. Left out where it was not asked for, or cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cmdline: Option<Vec<String>>,
}

/// A pod that holds instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pod {
    /// Kubernetes namespace; empty where only the uid is known.
    pub namespace: String,
    /// Pod name; empty where only the uid is known.
    pub name: String,
    /// Pod uid.
    pub uid: String,
    /// Instances of all its processes, each once, shims included.
    pub instances: u64,
    /// Watches in them.
    pub watches: u64,
    /// Whom they are charged to.
    pub charged: Vec<UserRef>,
    /// Its containers.
    pub containers: Vec<PodContainer>,
}

/// A container of a [`Pod`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodContainer {
    /// Name in the pod's specification; empty where only the id is known.
    pub name: String,
    /// Full id; empty for the pod's shim.
    pub id: String,
    /// What part of the pod it is.
    pub part: PodPart,
    /// Instances.
    pub instances: u64,
    /// Watches in them.
    pub watches: u64,
}

/// A container outside any pod that holds instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContainerUse {
    /// Who runs it.
    pub runtime: Runtime,
    /// Full id.
    pub id: String,
    /// Name where the runtime gives one.
    pub name: Option<String>,
    /// Instances.
    pub instances: u64,
    /// Watches in them.
    pub watches: u64,
}
