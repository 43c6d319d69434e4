//! What a cgroup path tells: pod, container, runtime, systemd unit.
//!
//! Paths are those of /proc/PID/cgroup. Who makes them: the kubelet's pod cgroups
//! (pkg/kubelet/cm/cgroup_manager_linux.go, pod_container_manager_linux.go), containerd's CRI plugin
//! (`getCgroupsPath`), CRI-O (internal/config/cgmgr), dockerd, podman (libpod).

use crate::model::Runtime;

/// A container id as every runtime under a kubelet makes it: so many hexadecimal digits.
const ID_LENGTH: usize = 64;

/// Names that runtimes put before a container id, and what is in such a cgroup.
/// The monitors come first: `crio-` begins `crio-conmon-` too.
const PREFIXES: &[(&str, Runtime, Role)] = &[
    ("crio-conmon-", Runtime::CriO, Role::Monitor),
    ("libpod-conmon-", Runtime::Podman, Role::Monitor),
    ("libpod-payload-", Runtime::Podman, Role::Payload),
    ("cri-containerd-", Runtime::Containerd, Role::Payload),
    ("nerdctl-", Runtime::Containerd, Role::Payload),
    ("crio-", Runtime::CriO, Role::Payload),
    ("docker-", Runtime::Docker, Role::Payload),
    ("libpod-", Runtime::Podman, Role::Payload),
];

/// Directories that hold container ids without a prefix.
const PARENTS: &[(&str, Runtime)] = &[
    ("docker", Runtime::Docker),
    ("libpod_parent", Runtime::Podman),
];

/// Unit types that a process can live in, slices aside.
const UNITS: &[&str] = &[".service", ".scope", ".socket", ".mount", ".swap"];

/// What kind of process lives in a container's cgroup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// The container's own.
    #[default]
    Payload,
    /// The runtime's, which watches over it: conmon.
    Monitor,
}

/// A container as a cgroup path names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerCgroup {
    /// Full container id.
    pub id: String,
    /// Whose the cgroup's name is; unknown for a bare id.
    pub runtime: Runtime,
    /// What lives in it.
    pub role: Role,
}

/// All that a cgroup path tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CgroupIdentity {
    /// uid of the outermost pod, with dashes; a static pod's is 32 hexadecimal digits.
    pub pod_uid: Option<String>,
    /// The outermost container, or the outermost one of the pod.
    pub container: Option<ContainerCgroup>,
    /// The container that the pod's node runs in (kind, k3d).
    pub outer: Option<ContainerCgroup>,
    /// The innermost systemd unit outside of pods and containers, a slice if there is no other;
    /// `user@1000.service/dbus.service` for one of a user's manager.
    pub unit: Option<String>,
}

impl CgroupIdentity {
    /// How much it tells: the greater of two paths of one process is the one to believe.
    #[must_use]
    pub fn weight(&self) -> u8 {
        match (&self.pod_uid, &self.container, &self.unit) {
            (Some(_), Some(_), _) => 5,
            (None, Some(_), _) => 4,
            (Some(_), None, _) => 3,
            (None, None, Some(unit)) if !is_slice(unit) => 2,
            (None, None, Some(_)) => 1,
            (None, None, None) => 0,
        }
    }

    fn add(&mut self, parents: &[&str], segment: &str) {
        if self.pod_uid.is_some() && self.container.is_some() {
            return;
        }
        if self.pod_uid.is_none()
            && let Some(uid) = pod_uid(parents, segment)
        {
            self.pod_uid = Some(uid);
            self.outer = self.container.take();
        } else if self.container.is_none()
            && let Some(container) = container(parents, segment)
        {
            self.container = Some(container);
        } else if self.pod_uid.is_none() && self.container.is_none() {
            self.add_unit(segment);
        }
    }

    /// A unit of a user's manager is named with it: users have units of the system's names.
    fn add_unit(&mut self, segment: &str) {
        let known = self.unit.as_deref().unwrap_or_default();
        let manager = known
            .split('/')
            .next()
            .filter(|unit| unit.starts_with("user@"));
        if UNITS.iter().any(|end| segment.ends_with(end)) {
            self.unit = Some(match manager {
                Some(manager) if segment == "init.scope" => manager.to_owned(),
                Some(manager) => format!("{manager}/{segment}"),
                None => segment.to_owned(),
            });
        } else if is_slice(segment) && (known.is_empty() || is_slice(known)) {
            self.unit = Some(segment.to_owned());
        }
    }
}

/// What `path` tells. Any text will do; one that nobody made tells nothing.
///
/// `..` at its start, as a path outside the reader's cgroup namespace has it, is skipped. Below a
/// pod's container nothing counts: what a container makes inside of itself is still its own.
#[must_use]
pub fn identify(path: &str) -> CgroupIdentity {
    let mut identity = CgroupIdentity::default();
    let segments = segments(path);
    for (depth, segment) in segments.iter().enumerate() {
        let parents = &segments[..depth];
        match unescaped_triple(segment) {
            Some((slice, scope)) => {
                identity.add(parents, slice);
                identity.add(parents, &scope);
            }
            None => identity.add(parents, segment),
        }
    }
    identity
}

/// The names in `path`, without empty ones, `.` and `..`.
#[must_use]
pub fn segments(path: &str) -> Vec<&str> {
    path.split('/')
        .filter(|segment| !matches!(*segment, "" | "." | ".."))
        .collect()
}

/// `SLICE:PREFIX:NAME`, the systemd driver's notation, as a slice and the scope in it.
///
/// It stands in `linux.cgroupsPath`, and becomes a directory's name where the kubelet's driver is
/// systemd and the runtime's is cgroupfs.
#[must_use]
pub fn unescaped_triple(segment: &str) -> Option<(&str, String)> {
    let (slice, rest) = segment.split_once(':')?;
    let (prefix, name) = rest.split_once(':')?;
    Some((slice, format!("{prefix}-{name}.scope")))
}

fn is_slice(unit: &str) -> bool {
    unit.ends_with(".slice")
}

/// uid of a pod's directory: `podUID` of the cgroupfs driver, `…kubepods…-podUID.slice` of systemd's.
fn pod_uid(parents: &[&str], segment: &str) -> Option<String> {
    if let Some(stem) = segment.strip_suffix(".slice") {
        let (above, uid) = stem.rsplit_once("-pod")?;
        return (above.contains("kubepods") && is_word(uid)).then(|| uid.replace('_', "-"));
    }
    let uid = segment.strip_prefix("pod")?;
    let below_kubepods = parents.iter().any(|parent| parent.contains("kubepods"));
    (is_usual_uid(uid) || below_kubepods && is_word(uid)).then(|| uid.to_owned())
}

fn container(parents: &[&str], segment: &str) -> Option<ContainerCgroup> {
    let stem = segment.strip_suffix(".scope").unwrap_or(segment);
    for &(prefix, runtime, role) in PREFIXES {
        if let Some(id) = stem.strip_prefix(prefix)
            && is_id(id)
        {
            let id = id.to_owned();
            return Some(ContainerCgroup { id, runtime, role });
        }
    }
    if !is_id(segment) {
        return None;
    }
    let known = PARENTS
        .iter()
        .find(|(parent, _)| parents.last() == Some(parent));
    Some(ContainerCgroup {
        id: segment.to_owned(),
        runtime: known.map_or(Runtime::Unknown, |&(_, runtime)| runtime),
        role: Role::Payload,
    })
}

/// `true` for a container id as runtimes make them.
#[must_use]
pub fn is_id(text: &str) -> bool {
    text.len() == ID_LENGTH && is_hex(text)
}

/// A UUID or 32 hexadecimal digits.
fn is_usual_uid(text: &str) -> bool {
    let uuid = || {
        let parts: Vec<&str> = text.split('-').collect();
        parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
            && parts.iter().all(|part| is_hex(part))
    };
    text.len() == 32 && is_hex(text) || uuid()
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

#[cfg(test)]
#[path = "cgroup_path_tests.rs"]
mod tests;
