//! What runtimes write to disk about a container: OCI bundles (containerd, CRI-O, podman),
//! Docker's config.v2.json, and the containers.json of containers/storage.
//!
//! These files hold environment variables and every annotation of a pod. One [`Config`] says what
//! is read of them; the parsers and [`redact_config`] share it, so nothing else can be kept.

use serde::{Deserialize, Serialize};

use super::Malformed;
use super::config::Config;
use crate::model::{Bundle, Runtime};
use crate::runtimes::{
    Annotation, annotation, by_engine_annotation, by_storage, with_kubelet_name,
};

/// An OCI config.json; `runtime` where the place that it lies in decides, else its annotations do.
///
/// # Errors
/// Not JSON, or not the JSON of an OCI configuration.
pub fn oci(runtime: Runtime, namespace: &str, id: &str, bytes: &[u8]) -> Result<Bundle, Malformed> {
    let config: Config = json("config.json", bytes)?;
    let mut bundle = Bundle {
        runtime,
        runtime_namespace: namespace.to_owned(),
        id: id.to_owned(),
        cgroups_path: config.linux.cgroups_path,
        annotations: config.annotations,
        ..Bundle::default()
    };
    bundle.runtime = by_engine_annotation(&bundle).unwrap_or(runtime);
    bundle.name = annotation(&bundle, Annotation::Name).map(str::to_owned);
    Ok(bundle)
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
    // Only containers/storage has a list.
    if bytes.trim_ascii_start().starts_with(b"[") {
        rewritten::<Vec<Config>>(bytes)
    } else {
        rewritten::<Config>(bytes)
    }
}

/// What is understood of a file, read as the parsers above read it: what they skip may be malformed.
fn rewritten<'a, T: Deserialize<'a> + Serialize>(bytes: &'a [u8]) -> Vec<u8> {
    let parsed: Option<T> = serde_json::from_slice(bytes).ok();
    parsed
        .and_then(|parsed| serde_json::to_vec(&parsed).ok())
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
    let runtime = by_storage(!annotations.is_empty());
    (!entry.id.is_empty()).then(|| Bundle {
        runtime,
        name: some_text(name),
        id: entry.id,
        annotations,
        ..Bundle::default()
    })
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
