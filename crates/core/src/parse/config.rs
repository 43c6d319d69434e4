//! The part of a container's configuration that nospace reads, and so the part that an archive keeps.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::runtimes::is_naming_annotation;

/// One container, whichever of the three kinds of file it stands in.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Config {
    /// OCI: those by which runtimes name containers.
    #[serde(
        deserialize_with = "naming",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub annotations: BTreeMap<String, String>,
    /// OCI: the Linux part.
    #[serde(skip_serializing_if = "Linux::is_empty")]
    pub linux: Linux,
    /// containers/storage: full id.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// containers/storage: names.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Docker: full id.
    #[serde(rename = "ID", skip_serializing_if = "String::is_empty")]
    pub docker_id: String,
    /// Docker: name, with a slash before it.
    #[serde(rename = "Name", skip_serializing_if = "String::is_empty")]
    pub docker_name: String,
    /// Docker: what runs now.
    #[serde(rename = "State", skip_serializing_if = "DockerState::is_empty")]
    pub docker_state: DockerState,
    /// Docker: what was asked for.
    #[serde(rename = "Config", skip_serializing_if = "DockerConfig::is_empty")]
    pub docker_config: DockerConfig,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Linux {
    #[serde(rename = "cgroupsPath", skip_serializing_if = "Option::is_none")]
    pub cgroups_path: Option<String>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct DockerState {
    #[serde(rename = "Pid", skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct DockerConfig {
    #[serde(
        rename = "Labels",
        deserialize_with = "naming",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub labels: BTreeMap<String, String>,
}

impl Linux {
    fn is_empty(&self) -> bool {
        self.cgroups_path.is_none()
    }
}

impl DockerState {
    fn is_empty(&self) -> bool {
        self.pid.is_none()
    }
}

impl DockerConfig {
    fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
}

/// Go writes an empty list or map as `null`.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn naming<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    struct Naming;

    impl<'de> Visitor<'de> for Naming {
        type Value = BTreeMap<String, String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map of texts")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(BTreeMap::new())
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut kept = BTreeMap::new();
            while let Some(key) = map.next_key::<String>()? {
                if is_naming_annotation(&key) {
                    kept.insert(key, map.next_value()?);
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(kept)
        }
    }

    deserializer.deserialize_any(Naming)
}
