//! Pod, container, runtime and systemd unit from a cgroup path.
//!
//! Paths are those of /proc/PID/cgroup. Those of pods are the kubelet's (pkg/kubelet/cm/cgroup_manager_linux.go,
//! pod_container_manager_linux.go), those of containers their runtime's: see [`crate::runtimes`].

use crate::model::Runtime;
use crate::runtimes::{RUNTIMES, Role};

/// Hexadecimal digits in a container id of every runtime under a kubelet.
const ID_LENGTH: usize = 64;

/// Unit types that a process can live in, slices aside.
const UNITS: &[&str] = &[".service", ".scope", ".socket", ".mount", ".swap"];

/// A container as a cgroup path names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerCgroup {
    /// Full container id.
    pub id: String,
    /// The runtime by the cgroup's name; unknown for a bare id.
    pub runtime: Runtime,
    /// What lives in it.
    pub role: Role,
}

/// All that a cgroup path says.
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
    /// How specific it is: of two paths of one process, believe the one with the greater weight.
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

/// What `path` says. Any text will do; an unknown form says nothing.
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
    let named = RUNTIMES.into_iter().find_map(|definition| {
        let mut prefixes = definition.cgroup_prefixes.iter();
        prefixes.find_map(|&(prefix, role)| {
            let id = stem.strip_prefix(prefix).filter(|id| is_id(id))?;
            Some((id, definition.runtime, role))
        })
    });
    let (id, runtime, role) = named.or_else(|| {
        let parent = parents.last().copied();
        let known = RUNTIMES
            .into_iter()
            .find(|d| d.cgroup_parent.is_some() && d.cgroup_parent == parent);
        let runtime = known.map_or(Runtime::Unknown, |definition| definition.runtime);
        is_id(segment).then_some((segment, runtime, Role::Payload))
    })?;
    Some(ContainerCgroup {
        id: id.to_owned(),
        runtime,
        role,
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
