use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Device, Event};
use crate::model::CollectorRun;
use crate::report::{Owner, ProcessUse};

/// Every watch of some processes, named.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WatchesReport {
    /// [`crate::report::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// When the check began, RFC 3339, UTC.
    pub taken_at: String,
    /// How those fared that found the holders (`inotify`, `containers`), the watches (`watches`) and the marks (`marks`).
    pub collectors: Vec<CollectorRun>,
    /// The fewest directories, at most three, that hold 90 % of the watches; the largest first.
    pub heaviest: Vec<DirectoryUse>,
    /// Processes that hold inotify instances, those with most watches first.
    pub holders: Vec<ProcessUse>,
    /// File systems that are watched, those with most watches first.
    pub devices: Vec<DeviceUse>,
    /// Instances that the watches are in.
    pub instances: Vec<WatchingInstance>,
    /// The watches, in the order of their instances.
    pub watches: Vec<NamedWatch>,
    /// fanotify groups of the processes that were asked for.
    #[serde(default)]
    pub groups: Vec<MarkingGroup>,
    /// Their marks, in the order of the groups.
    #[serde(default)]
    pub marks: Vec<NamedMark>,
}

/// A fanotify group, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MarkingGroup {
    /// Every descriptor that leads to it and that was asked for.
    pub holders: Vec<HolderRef>,
    /// Marks in it.
    pub marks: u64,
}

/// One mark of a fanotify group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamedMark {
    /// Place of its group in `groups`, from 0.
    pub group: u32,
    /// What is marked.
    pub kind: MarkKind,
    /// Path of the file, the mount or the file system as the host sees it, through `/proc/PID/root` where only the holder has it mounted. Null
    /// where it is not known.
    pub host_path: Option<String>,
    /// Path as the holder's container sees it; null where the holder shares the host's mounts, or cannot see it.
    pub container_path: Option<String>,
    /// Whether a marked file is still there; null for other kinds.
    pub state: Option<PathState>,
    /// Device of the file system, `major:minor` as mountinfo has it; null where it is not known.
    pub device: Option<Device>,
    /// Inode number of a file; the number of a mount or a mount namespace; null for a file system.
    pub number: Option<u64>,
    /// Events asked for.
    pub mask: Vec<Event>,
    /// Events that are ignored.
    pub ignored: Vec<Event>,
}

/// What a mark is on.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum MarkKind {
    /// A file or directory.
    Inode,
    /// All that is accessed through a mount.
    Mount,
    /// A whole file system.
    Filesystem,
    /// A mount namespace: what is mounted and unmounted there.
    Namespace,
}

impl MarkKind {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Inode => "inode",
            Self::Mount => "mount",
            Self::Filesystem => "file system",
            Self::Namespace => "mount namespace",
        }
    }
}

/// What a directory costs, everything below it included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryUse {
    /// As the host sees it.
    pub path: String,
    /// Its path in the container that holds the watches; null where the holder shares the host's mounts.
    pub container_path: Option<String>,
    /// Watches on it and below it.
    pub watches: u64,
}

/// What a file system costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeviceUse {
    /// `major:minor`, as mountinfo has it.
    pub device: String,
    /// Type; null where neither the host nor the holder has it mounted.
    pub file_system: Option<String>,
    /// Where the host has it mounted; null where only the holder has.
    pub mount_point: Option<String>,
    /// Watches on it.
    pub watches: u64,
}

/// An instance, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WatchingInstance {
    /// Every descriptor that leads to it and that was asked for.
    pub holders: Vec<HolderRef>,
    /// Watches in it.
    pub watches: u64,
}

/// A descriptor that leads to an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HolderRef {
    /// Thread-group id.
    pub pid: u32,
    /// Descriptor number.
    pub fd: u32,
    /// Name of the process.
    pub comm: String,
    /// Owner of the process.
    pub owner: Owner,
}

/// One watch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamedWatch {
    /// Place of its instance in `instances`, from 0.
    pub instance: u32,
    /// Watch descriptor.
    pub wd: u32,
    /// Path as the host sees it, through `/proc/PID/root` where only the holder has the file system mounted. Null
    /// where it has no name.
    pub host_path: Option<Arc<str>>,
    /// Path as the holder's container sees it; null where the holder shares the host's mounts, or cannot see it.
    pub container_path: Option<Arc<str>>,
    /// Path from the root of its file system, as far as it is known.
    pub path: Option<Arc<str>>,
    /// Whether the file is still there.
    pub state: PathState,
    /// Where the name is from.
    pub naming: Naming,
    /// Device of its file system, `major:minor` as mountinfo has it.
    pub device: Device,
    /// Inode number.
    pub inode: u64,
    /// Events asked for.
    pub mask: Arc<[Event]>,
}

/// Where the watches are, each place once with the number of watches on it; see [`NamedWatch::place`].
#[must_use]
pub fn places(watches: &[NamedWatch]) -> Vec<(Cow<'_, str>, u64)> {
    let mut places: Vec<(Cow<'_, str>, u64)> = Vec::new();
    // Watches on one file share its path.
    let mut known: HashMap<(*const u8, usize), usize, RandomState> = HashMap::default();
    for watch in watches {
        let shared = watch
            .host_path
            .as_deref()
            .map(|path| (path.as_ptr(), path.len()));
        let at = shared.map_or(places.len(), |key| {
            *known.entry(key).or_insert(places.len())
        });
        match places.get_mut(at) {
            Some((_, watches)) => *watches += 1,
            None => places.push((watch.place(), 1)),
        }
    }
    places
}

/// Whether a watched file can be reached by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PathState {
    /// It is where its path says.
    Present,
    /// It was removed, but is still open or has other names.
    Deleted,
    /// Its names do not lead to the root of its file system: an unmounted or disconnected tree.
    Unreachable,
    /// Nothing knows its name; only device and inode tell it apart.
    Unnamed,
}

impl PathState {
    /// In a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Deleted => "deleted",
            Self::Unreachable => "unreachable",
            Self::Unnamed => "unnamed",
        }
    }
}

/// Who gave a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Naming {
    /// The kernel's directory entries, read by eBPF.
    Kernel,
    /// open_by_handle_at(2), with the handle of fdinfo.
    Handle,
    /// A directory that has a name, where the kernel had forgotten the file's own.
    Directory,
    /// Nobody.
    None,
}

impl NamedWatch {
    /// What the holder's container calls `directory`, which the host knows by this path and the watch is on or below.
    #[must_use]
    pub fn container_path_of(&self, directory: &str) -> Option<&str> {
        let below = self.host_path.as_ref()?.strip_prefix(directory)?;
        let above = self.container_path.as_ref()?.strip_suffix(below)?;
        (!above.is_empty()).then_some(above)
    }

    /// What stands for it where paths are added up: the host's path, else what is known of it below its device.
    #[must_use]
    pub fn place(&self) -> Cow<'_, str> {
        match (&self.host_path, &self.path) {
            (Some(path), _) => Cow::Borrowed(path),
            (None, Some(path)) => Cow::Owned(format!("[{}]{path}", self.device)),
            (None, None) => Cow::Owned(format!("[{}]/inode {}", self.device, self.inode)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_of_the_host_has_a_name_in_the_container() {
        let watch = NamedWatch {
            instance: 0,
            wd: 1,
            host_path: Some("/run/c/rootfs/tmp/a/1".into()),
            container_path: Some("/tmp/a/1".into()),
            path: Some("/tmp/a/1".into()),
            state: PathState::Present,
            naming: Naming::Kernel,
            device: Device {
                major: 0,
                minor: 65,
            },
            inode: 3,
            mask: [Event::Modify].into(),
        };
        assert_eq!(
            watch.container_path_of("/run/c/rootfs/tmp/a"),
            Some("/tmp/a")
        );
        assert_eq!(
            watch.container_path_of("/run/c/rootfs/tmp/a/1"),
            Some("/tmp/a/1")
        );
        assert_eq!(watch.container_path_of("/run/c"), None);
        assert_eq!(watch.container_path_of("/srv"), None);
        assert_eq!(watch.place(), "/run/c/rootfs/tmp/a/1");
    }
}
