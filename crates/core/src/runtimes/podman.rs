//! Podman.

use super::conmon::CONMON;
use super::{Role, RuntimeDefinition, Store};
use crate::model::{Program, Runtime};

pub(super) static PODMAN: RuntimeDefinition = RuntimeDefinition {
    runtime: Runtime::Podman,
    name: "podman",
    title: "Podman",
    aliases: &[],
    daemon: None,
    command: Some(Program::Podman),
    client: Program::Podman,
    service: None,
    monitor: &CONMON,
    // libpod/container_internal_linux.go; `payload` where systemd splits a unit's cgroup (--cgroups=split).
    cgroup_prefixes: &[
        ("libpod-", Role::Payload),
        ("libpod-payload-", Role::Payload),
        ("libpod-conmon-", Role::Monitor),
    ],
    cgroup_parent: Some("libpod_parent"),
    stores: &[
        Store::ContainersStorage("/run/containers/storage"),
        Store::ContainersStorage("/var/lib/containers/storage"),
    ],
    rootless_stores: &[Store::ContainersStorage("containers/storage")],
    keeps_ended: true,
    engine: Some("libpod"),
    containerd_namespace: None,
    annotations: &[],
    inspect: |_, id| Some(format!("podman inspect {id}")),
    images: None,
    daemon_use: None,
};
