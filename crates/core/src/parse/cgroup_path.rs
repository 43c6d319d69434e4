//! Pod, container, runtime and systemd unit from a cgroup path.
//!
//! Paths are those of /proc/PID/cgroup. Those of pods are the kubelet's (pkg/kubelet/cm/cgroup_manager_linux.go,
//! pod_container_manager_linux.go), those of containers their runtime's: see [`crate::runtimes`].

use crate::model::Runtime;
use crate::runtimes::{Guest, RUNTIMES, Role, guest};

/// Hexadecimal digits in a container id of every runtime under a kubelet.
const ID_LENGTH: usize = 64;

/// What stands before a sandbox's id in the cgroup of a virtual machine of Kata Containers and of what keeps it
/// (docs/design/host-cgroups.md).
const KATA: &str = "kata_";

/// Unit types that a process can live in, slices aside.
const UNITS: &[&str] = &[".service", ".scope", ".socket", ".mount", ".swap"];

/// A container as a cgroup path names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerCgroup {
    /// Full container id; what a guest is known by on the host.
    pub id: String,
    /// The name that the path has for people; a guest's.
    pub name: Option<String>,
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
    /// The host's systemd unit, a slice if there is no other; `user@1000.service/dbus.service` for one of a user's manager.
    pub unit: Option<String>,
    /// The unit of the systemd that runs in the container or guest. It may have the name of one of the host's.
    pub inner_unit: Option<String>,
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
        } else if self.container.is_some() {
            add_unit(&mut self.inner_unit, segment);
        } else if self.pod_uid.is_none() {
            self.add_own_unit(parents, segment);
        }
    }

    /// The host's systemd keeps its units below slices, and none below another. A unit below anything else is that of a
    /// systemd in a guest of a kind that is not known.
    fn add_own_unit(&mut self, parents: &[&str], segment: &str) {
        let foreign = || {
            let own = |name: &&str| is_slice(name) || is_unit(name);
            let first = parents.iter().position(|name| !own(name))?;
            (self.unit.as_deref().is_none_or(is_slice) && is_unit(segment))
                .then(|| parents[..=first].join("/"))
        };
        let Some(guest) = foreign() else {
            add_unit(&mut self.unit, segment);
            return;
        };
        self.container = Some(ContainerCgroup {
            name: Some(guest.clone()),
            id: guest,
            ..ContainerCgroup::default()
        });
        add_unit(&mut self.inner_unit, segment);
    }
}

/// A unit of a user's manager is named with it: users have units of the system's names. No other has units below it.
fn add_unit(unit: &mut Option<String>, segment: &str) {
    let known = unit.as_deref().unwrap_or_default();
    let manager = known.starts_with("user@");
    if is_unit(segment) {
        if known.is_empty() || is_slice(known) {
            *unit = Some(segment.to_owned());
        } else if manager && !known.contains('/') && segment != "init.scope" {
            *unit = Some(format!("{known}/{segment}"));
        }
    } else if is_slice(segment) && (known.is_empty() || is_slice(known)) {
        *unit = Some(segment.to_owned());
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

fn is_unit(name: &str) -> bool {
    UNITS.iter().any(|end| name.ends_with(end))
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

/// The container or guest whose cgroup has this name.
fn container(parents: &[&str], segment: &str) -> Option<ContainerCgroup> {
    let stem = segment.strip_suffix(".scope").unwrap_or(segment);
    let named = RUNTIMES.into_iter().find_map(|definition| {
        let mut prefixes = definition.cgroup_prefixes.iter();
        prefixes.find_map(|&(prefix, role)| {
            let id = stem.strip_prefix(prefix).filter(|id| is_id(id))?;
            Some((id, definition.runtime, role))
        })
    });
    let kata = || {
        let id = stem.strip_prefix(KATA).filter(|id| is_id(id))?;
        Some((id, Runtime::Unknown, Role::Monitor))
    };
    let bare = || {
        let parent = parents.last().copied();
        let known = RUNTIMES
            .into_iter()
            .find(|d| d.cgroup_parent.is_some() && d.cgroup_parent == parent);
        let runtime = known.map_or(Runtime::Unknown, |definition| definition.runtime);
        is_id(segment).then_some((segment, runtime, Role::Payload))
    };
    if let Some((id, runtime, role)) = named.or_else(kata).or_else(bare) {
        return Some(ContainerCgroup {
            id: id.to_owned(),
            name: None,
            runtime,
            role,
        });
    }
    let (runtime, Guest { id, name, role }) = guest(parents, segment)?;
    Some(ContainerCgroup {
        id,
        name: Some(name),
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
