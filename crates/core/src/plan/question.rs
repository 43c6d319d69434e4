use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::managers::{self, Manager};
use crate::model::{Pair, Runtime};

/// The cgroup interface. Hybrid counts as v1, as the kubelet takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Cgroup {
    /// One hierarchy for each controller.
    V1,
    /// The unified hierarchy.
    V2,
}

impl fmt::Display for Cgroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// The cgroup driver: who creates the cgroups of pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CgroupDriver {
    /// systemd: a slice a pod, a scope a container.
    Systemd,
    /// The kubelet and the runtime, by mkdir.
    Cgroupfs,
}

impl fmt::Display for CgroupDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// The first two numbers of a version, of Kubernetes or of a container runtime: `1.33`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Version {
    /// 1 of Kubernetes, 1 or 2 of containerd, 20 and more of Docker Engine.
    pub major: u16,
    /// The release.
    pub minor: u16,
}

impl Version {
    /// `major`.`minor`.
    #[must_use]
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

impl TryFrom<String> for Version {
    type Error = NoVersion;

    fn try_from(text: String) -> Result<Self, NoVersion> {
        text.parse()
    }
}

/// Not a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a version is written as 1.33, v1.33.2, 1.33.2+k3s1 or 1.6.20~ds1")]
pub struct NoVersion;

impl FromStr for Version {
    type Err = NoVersion;

    /// `1.33`, `v1.33.2`, `v1.30.1-eks-036c24b`, `26.1.5+dfsg1`.
    fn from_str(text: &str) -> Result<Self, NoVersion> {
        let (major, minor) = release(text).ok_or(NoVersion)?;
        Ok(Self { major, minor })
    }
}

/// Major and minor number of two or three numbers, whatever a distribution has added.
fn release(text: &str) -> Option<(u16, u16)> {
    let plain = text.strip_prefix('v').unwrap_or(text);
    let release = plain.split(['+', '-', '~']).next()?;
    let numbers: Option<Vec<u16>> = release.split('.').map(number).collect();
    match numbers?[..] {
        [major, minor] | [major, minor, _] => Some((major, minor)),
        _ => None,
    }
}

fn number(text: &str) -> Option<u16> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

/// The node to plan for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// Pods.
    pub pods: u64,
    /// Application containers of a pod; the pause container comes on top.
    pub containers_per_pod: u64,
    /// The container runtime.
    pub runtime: Runtime,
    /// Version of the runtime; without it, enough for any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_version: Option<Version>,
    /// The cgroup interface.
    pub cgroup: Cgroup,
    /// The cgroup driver.
    pub cgroup_driver: CgroupDriver,
    /// Version of the kubelet.
    pub kubernetes: Version,
    /// Name of the manager of the node; null where none was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<String>,
    /// Concurrent `kubectl logs -f`.
    pub log_follows: u64,
    /// What workloads that run as root use.
    pub extra: Pair<u64>,
    /// Cgroups that workloads make below their own.
    pub nested_cgroups: u64,
    /// Cgroups of the host that are of no pod, `*.mount` not counted.
    pub other_cgroups: u64,
    /// Headroom, in percent of the need.
    pub headroom_percent: u64,
    /// Bytes of memory that the node has, where that is known.
    pub memory_bytes: Option<u64>,
}

impl Default for Question {
    fn default() -> Self {
        Self {
            pods: 110,
            containers_per_pod: 2,
            runtime: Runtime::Containerd,
            runtime_version: None,
            cgroup: Cgroup::V2,
            cgroup_driver: CgroupDriver::Systemd,
            kubernetes: Version::new(1, 33),
            manager: None,
            log_follows: 10,
            extra: Pair::default(),
            nested_cgroups: 0,
            other_cgroups: 50,
            headroom_percent: 100,
            memory_bytes: None,
        }
    }
}

/// Options that contradict each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// A kubelet that knows cgroup v1 alone.
    #[error(
        "Kubernetes {0} does not run on cgroup v2, which the kubelet supports from 1.19 on; use --cgroup v1 or a newer --kubernetes"
    )]
    CgroupV2(Version),
    /// A manager that comes with another runtime, and takes no other.
    #[error("{manager} runs on {its_own} alone, not on {asked}; leave out --runtime")]
    Runtime {
        /// The manager.
        manager: &'static str,
        /// Its runtime.
        its_own: &'static str,
        /// The one of the question.
        asked: &'static str,
    },
}

impl Question {
    /// Application containers of all pods.
    #[must_use]
    pub fn containers(&self) -> u64 {
        self.pods.saturating_mul(self.containers_per_pod)
    }

    /// Containers of all pods, the pause containers among them.
    #[must_use]
    pub fn with_pause(&self) -> u64 {
        self.containers().saturating_add(self.pods)
    }

    /// The manager of the node, where it is known by that name.
    #[must_use]
    pub fn manager(&self) -> Option<&'static Manager> {
        managers::find(self.manager.as_deref()?)
    }

    /// What to know besides the figures, but for what differs between versions of Kubernetes.
    ///
    /// # Errors
    ///
    /// When the options contradict each other.
    pub fn notes(&self) -> Result<Vec<String>, Contradiction> {
        let version = self.kubernetes;
        if self.cgroup == Cgroup::V2 && version < Version::new(1, 19) {
            return Err(Contradiction::CgroupV2(version));
        }
        if let Some(manager) = self.manager()
            && !manager.has_other_runtimes
            && manager.runtime != self.runtime
        {
            return Err(Contradiction::Runtime {
                manager: manager.title,
                its_own: manager.runtime.title(),
                asked: self.runtime.title(),
            });
        }
        let mut notes = Vec::new();
        let daemon = self
            .runtime
            .definition()
            .and_then(|d| d.daemon_use.as_ref());
        if let Some(daemon) = daemon {
            let title = self.runtime.title();
            if let Some((since, what)) = daemon.kubelet_needs
                && version >= Version::new(1, since)
            {
                notes.push(format!(
                    "Kubernetes {version} runs {title} only with {what}"
                ));
            }
            if self.runtime_version.is_some() && !daemon.measured {
                notes.push(format!(
                    "{title}'s own figures are assumed, the same for every version"
                ));
            }
        }
        if let Some(manager) = self.manager()
            && let Some(beside) = manager.beside
        {
            notes.push(format!(
                "{} runs {beside} in the kubelet's process. What that needs is not known and not counted: the need is a lower bound; `nospace plan --from-node` measures it",
                manager.title
            ));
        }
        Ok(notes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_distributions_write_them() {
        for text in [
            "1.33",
            "v1.33",
            "1.33.2",
            "v1.33.2+k3s1",
            "1.33.1-eks-036c24b",
            "v1.33.0-rc.1",
        ] {
            assert_eq!(text.parse(), Ok(Version::new(1, 33)), "{text}");
        }
        for text in [
            "", "1", "1.", ".33", "1.x", "33", "1.33.2.1", "1.33.x", "1.+3", "1.99999", "latest",
        ] {
            assert_eq!(text.parse::<Version>(), Err(NoVersion), "{text}");
        }
        assert!(Version::new(1, 9) < Version::new(1, 29));
    }

    #[test]
    fn contradictions_are_refused_and_oddities_said() {
        let asked = |cgroup, runtime, minor| Question {
            cgroup,
            runtime,
            kubernetes: Version::new(1, minor),
            ..Question::default()
        };
        let notes = |cgroup, runtime, minor| asked(cgroup, runtime, minor).notes().unwrap().len();
        assert!(asked(Cgroup::V2, Runtime::Containerd, 18).notes().is_err());
        assert_eq!(notes(Cgroup::V2, Runtime::Containerd, 33), 0);
        assert_eq!(notes(Cgroup::V2, Runtime::Docker, 33), 1);
    }
}
