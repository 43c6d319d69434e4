//! What runtimes write to disk about a container: OCI bundles (containerd, CRI-O, podman),
//! Docker's config.v2.json, and the containers.json of containers/storage.
//!
//! These files hold environment variables and every annotation of a pod. One [`Config`] says what
//! is read of them; the parsers and [`redact_config`] share it, so nothing else can be kept.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Malformed;
use super::config::{Config, Configs};
use crate::model::{Bundle, Runtime};

/// Annotations and labels that name a container, what it is of, and who runs it.
///
/// containerd: internal/cri/annotations; CRI-O and podman: pkg/annotations; kubelet labels:
/// pkg/kubelet/types/labels.go; dockershim: pkg/kubelet/dockershim/docker_service.go.
pub const NAMING: &[&str] = &[
    "io.container.manager",
    "io.kubernetes.container.name",
    "io.kubernetes.cri-o.ContainerType",
    "io.kubernetes.cri-o.KubeName",
    "io.kubernetes.cri-o.Namespace",
    "io.kubernetes.cri-o.SandboxID",
    "io.kubernetes.cri.container-name",
    "io.kubernetes.cri.container-type",
    "io.kubernetes.cri.sandbox-id",
    "io.kubernetes.cri.sandbox-name",
    "io.kubernetes.cri.sandbox-namespace",
    "io.kubernetes.cri.sandbox-uid",
    "io.kubernetes.docker.type",
    "io.kubernetes.pod.name",
    "io.kubernetes.pod.namespace",
    "io.kubernetes.pod.uid",
    "io.kubernetes.sandbox.id",
    "nerdctl/name",
];

/// An OCI config.json; `runtime` where the place that it lies in decides, else its annotations do.
///
/// # Errors
/// Not JSON, or not the JSON of an OCI configuration.
pub fn oci(runtime: Runtime, namespace: &str, id: &str, bytes: &[u8]) -> Result<Bundle, Malformed> {
    let config: Config = json("config.json", bytes)?;
    let runtime = match config
        .annotations
        .get("io.container.manager")
        .map(String::as_str)
    {
        Some("libpod") => Runtime::Podman,
        Some("cri-o") => Runtime::CriO,
        _ => runtime,
    };
    Ok(Bundle {
        runtime,
        runtime_namespace: namespace.to_owned(),
        id: id.to_owned(),
        name: config.annotations.get("nerdctl/name").cloned(),
        cgroups_path: config.linux.cgroups_path,
        init_pid: None,
        annotations: config.annotations,
    })
}

/// Docker's config.v2.json.
///
/// # Errors
/// Not JSON, or without an `ID`.
pub fn docker(bytes: &[u8]) -> Result<Bundle, Malformed> {
    let config: Config = json("config.v2.json", bytes)?;
    let id = config.docker_id;
    if id.is_empty() {
        return Err(Malformed::new("config.v2.json", "it has no ID"));
    }
    let name = config.docker_name.trim_start_matches('/');
    Ok(Bundle {
        runtime: Runtime::Docker,
        id,
        init_pid: config.docker_state.pid.filter(|&pid| pid > 0),
        annotations: with_kubelet_name(config.docker_config.labels, name),
        name: some_text(name),
        ..Bundle::default()
    })
}

/// The containers.json of containers/storage, which podman and CRI-O keep.
///
/// # Errors
/// Not JSON, or not a list of containers.
pub fn storage(bytes: &[u8]) -> Result<Vec<Bundle>, Malformed> {
    let entries: Vec<Config> = json("containers.json", bytes)?;
    Ok(entries.into_iter().filter_map(stored).collect())
}

/// `bytes` of any of these files, with nothing left but what the parsers above read; of a file
/// that they refuse, nothing.
#[must_use]
pub fn redact_config(bytes: &[u8]) -> Vec<u8> {
    let configs: Option<Configs> = serde_json::from_slice(bytes).ok();
    configs
        .and_then(|configs| serde_json::to_vec(&configs).ok())
        .unwrap_or_default()
}

/// init.pid of a bundle.
///
/// # Errors
/// Not a process id.
pub fn init_pid(bytes: &[u8]) -> Result<u32, Malformed> {
    let text = std::str::from_utf8(bytes).unwrap_or_default().trim();
    text.parse()
        .ok()
        .filter(|&pid| pid > 0)
        .ok_or_else(|| Malformed::new("init.pid", "it is not a process id"))
}

fn stored(entry: Config) -> Option<Bundle> {
    let name = entry.names.first().map_or("", String::as_str);
    let annotations = with_kubelet_name(entry.annotations, name);
    let runtime = if annotations.is_empty() {
        Runtime::Podman
    } else {
        Runtime::CriO
    };
    (!entry.id.is_empty()).then(|| Bundle {
        runtime,
        name: some_text(name),
        id: entry.id,
        annotations,
        ..Bundle::default()
    })
}

/// Adds what a name of the kubelet's making says: `k8s_CONTAINER_POD_NAMESPACE_UID_ATTEMPT`
/// (dockershim and cri-dockerd naming.go, CRI-O internal/lib/sandbox); a sandbox is named `POD`.
fn with_kubelet_name(
    mut annotations: BTreeMap<String, String>,
    name: &str,
) -> BTreeMap<String, String> {
    let parts: Vec<&str> = name.split('_').collect();
    if let ["k8s", container, pod, namespace, uid, _attempt] = parts[..] {
        for (key, value) in [
            ("io.kubernetes.container.name", container),
            ("io.kubernetes.pod.name", pod),
            ("io.kubernetes.pod.namespace", namespace),
            ("io.kubernetes.pod.uid", uid),
        ] {
            annotations
                .entry(key.to_owned())
                .or_insert_with(|| value.to_owned());
        }
    }
    annotations
}

fn some_text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn json<'a, T: Deserialize<'a>>(what: &'static str, bytes: &'a [u8]) -> Result<T, Malformed> {
    serde_json::from_slice(bytes).map_err(|error| Malformed::new(what, error.to_string()))
}

#[cfg(test)]
#[path = "bundle_tests.rs"]
mod tests;
