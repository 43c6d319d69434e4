//! Pods and containers from the node's disk. No runtime and no API server is asked:
//! both may be down when the names are needed.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use nospace_core::managers;
use nospace_core::model::{Bundle, ContainerLog, Containers, PodLog, Runtime};
use nospace_core::parse::cgroup_path::is_id;
use nospace_core::parse::{Malformed, bundle, pod_logs};
use nospace_core::runtimes::{RUNTIMES, Store, by_containerd_namespace};

use super::mount_table::{self, Table, is_local};
use super::read;
use super::run::{CollectResult, Measurement};
use crate::host::{At, Host, ReadError, ReadResult, Tree, root};

/// Task directories of the runtime API, below a state directory: `TASKS/NAMESPACE/ID`.
pub const TASKS: [&str; 2] = [
    "io.containerd.runtime.v2.task",
    "io.containerd.runtime.v1.linux",
];

/// Directories of containers/storage, by the driver of its layers.
const DRIVERS: [&str; 2] = ["overlay-containers", "vfs-containers"];

/// Where users have their homes, and with them what they run without root.
const HOMES: &str = "/home";
/// More homes are a network's, not a node's.
const MAX_HOMES: usize = 100;

/// Most names read of a directory: far more than fit on a node.
const MAX_NAMES: usize = 10_000;
/// A configuration is read up to this size; a real one has about 20 KB.
const MAX_CONFIG: usize = 2 << 20;
/// containers.json tells of all containers at once.
const MAX_STORAGE: usize = 16 << 20;
/// Most gaps that are listed one by one.
const MAX_GAPS: usize = 10;

/// Reads the kubelet's log names and every runtime's own files.
pub fn collect(host: &dyn Host) -> CollectResult<Containers> {
    let mut gaps = Vec::new();
    let mounts = mount_table::read(host).unwrap_or_else(|error| {
        gaps.push(format!("{HOMES} was not looked into: {error:#}"));
        Table::default()
    });
    let mut disk = Disk {
        host,
        of: None,
        mounts,
        gaps,
        found: BundleList::default(),
    };
    let pod_logs: Vec<PodLog> = disk
        .names("/var/log/pods")
        .iter()
        .filter_map(|name| pod_logs::pod_log(name))
        .collect();
    let container_logs: Vec<ContainerLog> = disk
        .names("/var/log/containers")
        .iter()
        .filter_map(|name| pod_logs::container_log(name))
        .collect();
    for store in managers::stores() {
        disk.store(store, "");
    }
    disk.homes();
    let containers = Containers {
        pod_logs,
        container_logs,
        bundles: disk.found.bundles,
    };
    Ok(Measurement::exact(containers)
        .partial(!disk.gaps.is_empty())
        .with_gaps(shortened(disk.gaps)))
}

/// The containers in a state directory of containerd, as this process sees it, and what could not be read.
pub fn state_of(host: &dyn Host, pid: u32, state: &str) -> (Vec<Bundle>, Vec<String>) {
    let mounts = mount_table::of(host, &pid.to_string());
    let mut disk = Disk {
        host,
        of: Some(pid),
        mounts: Table::new(mounts.unwrap_or_default()),
        gaps: Vec::new(),
        found: BundleList::default(),
    };
    if disk.mount_of(state).is_some() {
        disk.containerd(state);
    }
    let gaps = disk.gaps.iter().map(|gap| format!("/proc/{pid}/root{gap}"));
    (disk.found.bundles, shortened(gaps.collect()))
}

struct Disk<'h> {
    host: &'h dyn Host,
    /// The process that sees these files; `None` for the machine's.
    of: Option<u32>,
    mounts: Table,
    gaps: Vec<String>,
    found: BundleList,
}

impl Disk<'_> {
    /// Reads the containers of a store below `above`.
    fn store(&mut self, store: Store, above: &str) {
        match store {
            Store::ContainerdState(path) => self.containerd(&format!("{above}{path}")),
            Store::ContainersStorage(path) => self.storage(&format!("{above}{path}")),
            Store::DockerData(path) => self.docker(&format!("{above}{path}")),
        }
    }

    fn containerd(&mut self, state: &str) {
        for tasks in TASKS {
            let tasks = format!("{state}/{tasks}");
            for namespace in self.names(&tasks) {
                let runtime = by_containerd_namespace(&namespace);
                for id in self.names(&format!("{tasks}/{namespace}")) {
                    let task = format!("{tasks}/{namespace}/{id}");
                    let parse = |bytes: &[u8]| bundle::oci(runtime, &namespace, &id, bytes);
                    let Some(mut bundle) =
                        self.file(&format!("{task}/config.json"), MAX_CONFIG, parse)
                    else {
                        continue;
                    };
                    bundle.init_pid = self.file(&format!("{task}/init.pid"), 64, bundle::init_pid);
                    self.found.add(bundle);
                }
            }
        }
    }

    fn storage(&mut self, storage: &str) {
        for driver in DRIVERS {
            let directory = format!("{storage}/{driver}");
            let names = self.names(&directory);
            if names.is_empty() {
                continue;
            }
            for id in names.iter().filter(|name| is_id(name)) {
                let parse = |bytes: &[u8]| bundle::oci(Runtime::Unknown, "", id, bytes);
                let config = format!("{directory}/{id}/userdata/config.json");
                if let Some(bundle) = self.file(&config, MAX_CONFIG, parse) {
                    self.found.add(bundle);
                }
            }
            for list in ["containers.json", "volatile-containers.json"] {
                let list = format!("{directory}/{list}");
                for bundle in self
                    .file(&list, MAX_STORAGE, bundle::storage)
                    .into_iter()
                    .flatten()
                {
                    self.found.add(bundle);
                }
            }
        }
    }

    fn docker(&mut self, data: &str) {
        for id in self.names(&format!("{data}/containers")) {
            let config = format!("{data}/containers/{id}/config.v2.json");
            if let Some(bundle) = self.file(&config, MAX_CONFIG, bundle::docker) {
                self.found.add(bundle);
            }
        }
    }

    /// What users run without root. A home that lies on a network file system is not asked: it
    /// could hang. One that another user may not see is none of this user's containers.
    fn homes(&mut self) {
        if !self.is_local(HOMES) {
            return;
        }
        let homes = self.listed(HOMES, MAX_HOMES);
        for name in homes {
            let share = format!("{HOMES}/{name}/.local/share");
            if self.is_local(&share) {
                for store in RUNTIMES.into_iter().flat_map(|d| d.rootless_stores) {
                    self.store(*store, &format!("{share}/"));
                }
            }
        }
    }

    /// It is there, may be listed, and lies where no question can hang.
    fn is_local(&self, place: &str) -> bool {
        self.mount_of(place).is_some_and(|fstype| is_local(&fstype))
            && self.host.list(root(place), 1).is_ok()
    }

    /// The type of the file system that a path lies on.
    fn mount_of(&self, path: &str) -> Option<String> {
        let path = Path::new(path);
        let mount = match self.of {
            None => self.mounts.resolve(self.host, path),
            Some(pid) => self.mounts.resolve_for(self.host, pid, path),
        };
        mount.map(|mount| mount.fstype.clone())
    }

    /// A path, and the tree that has it.
    fn at<'p>(&self, path: &'p str) -> (Tree, Cow<'p, Path>) {
        let below = path.trim_start_matches('/');
        match self.of {
            None => (Tree::Root, Path::new(below).into()),
            Some(pid) => (
                Tree::Proc,
                PathBuf::from(format!("{pid}/root/{below}")).into(),
            ),
        }
    }

    /// Whether a question about `path` could hang, which is a gap.
    fn hangs(&mut self, path: &str, mount: Option<&str>) -> bool {
        let Some(fstype) = mount.filter(|fstype| !is_local(fstype)) else {
            return false;
        };
        self.gaps.push(format!(
            "{path} lies on {fstype}, which may hang, so it was not asked for containers"
        ));
        true
    }

    /// Names in a directory; none where there is no such directory.
    fn names(&mut self, path: &str) -> Vec<String> {
        let fstype = self.mount_of(path);
        if self.hangs(path, fstype.as_deref()) {
            return Vec::new();
        }
        self.listed(path, MAX_NAMES)
    }

    fn listed(&mut self, path: &str, cap: usize) -> Vec<String> {
        let (tree, place) = self.at(path);
        let at = At { tree, path: &place };
        let answer = read::names(self.host, at, cap);
        let (names, more) = self.unless_absent(path, answer).unwrap_or_default();
        if more {
            self.gaps
                .push(format!("{path}: only the first {cap} names were read"));
        }
        names
    }

    /// A parsed file; `None` where it is gone, and with a gap where it could not be read.
    fn file<T>(
        &mut self,
        path: &str,
        cap: usize,
        parse: impl FnOnce(&[u8]) -> Result<T, Malformed>,
    ) -> Option<T> {
        let mut bytes = Vec::new();
        let (tree, place) = self.at(path);
        let at = At { tree, path: &place };
        let answer = self.host.read(at, cap, &mut bytes);
        self.unless_absent(path, answer)?;
        match parse(&bytes) {
            Ok(parsed) => Some(parsed),
            // A runtime writes these files while we read; an empty one is not there yet.
            Err(_) if bytes.is_empty() => None,
            Err(malformed) => {
                self.gaps.push(format!("{path}: {malformed}"));
                None
            }
        }
    }

    fn unless_absent<T>(&mut self, path: &str, answer: ReadResult<T>) -> Option<T> {
        match answer {
            Ok(answer) => Some(answer),
            Err(ReadError::Gone) => None,
            Err(ReadError::Denied) => {
                let gap =
                    format!("{path}: permission denied; as root its containers would be named");
                self.gaps.push(gap);
                None
            }
            Err(error) => {
                self.gaps.push(format!("{path}: {error}"));
                None
            }
        }
    }
}

/// Containers, each once, however many files tell of it.
#[derive(Default)]
struct BundleList {
    bundles: Vec<Bundle>,
    by_id: BTreeMap<String, usize>,
}

impl BundleList {
    /// Docker and CRI-O each keep two records of a container; what one lacks the other may have.
    fn add(&mut self, bundle: Bundle) {
        let key = if is_id(&bundle.id) {
            bundle.id.clone()
        } else {
            format!("{}/{}", bundle.runtime_namespace, bundle.id)
        };
        let Some(&at) = self.by_id.get(&key) else {
            self.by_id.insert(key, self.bundles.len());
            self.bundles.push(bundle);
            return;
        };
        let known = &mut self.bundles[at];
        if known.runtime == Runtime::Unknown {
            known.runtime = bundle.runtime;
        }
        known.name = known.name.take().or(bundle.name);
        known.cgroups_path = known.cgroups_path.take().or(bundle.cgroups_path);
        known.init_pid = known.init_pid.or(bundle.init_pid);
        for (key, value) in bundle.annotations {
            known.annotations.entry(key).or_insert(value);
        }
    }
}

fn shortened(mut gaps: Vec<String>) -> Vec<String> {
    let more = gaps.len().saturating_sub(MAX_GAPS);
    gaps.truncate(MAX_GAPS);
    if more > 0 {
        gaps.push(format!(
            "{more} more files or directories of containers could not be read"
        ));
    }
    gaps
}

#[cfg(test)]
#[path = "containers_tests.rs"]
mod tests;
