//! The node's containers and pods, looked up by what is known of a process.

use std::collections::HashMap;

use crate::model::{Bundle, ContainerLog, Containers, PodLog, Process};
use crate::parse::cgroup_path::{identify, segments, unescaped_triple};
use crate::runtimes::{Annotation, annotation};

/// A pod, with empty texts for what is not known.
pub(super) struct PodName {
    pub namespace: String,
    pub name: String,
    pub uid: String,
}

pub(super) struct Names<'a> {
    by_id: HashMap<&'a str, &'a Bundle>,
    by_cgroup: HashMap<String, &'a Bundle>,
    by_init: HashMap<u32, &'a Bundle>,
    pod_logs: HashMap<&'a str, &'a PodLog>,
    container_logs: HashMap<&'a str, &'a ContainerLog>,
}

impl<'a> Names<'a> {
    pub fn new(containers: &'a Containers) -> Self {
        let mut names = Self {
            by_id: HashMap::new(),
            by_cgroup: HashMap::new(),
            by_init: HashMap::new(),
            pod_logs: containers
                .pod_logs
                .iter()
                .map(|log| (log.uid.as_str(), log))
                .collect(),
            container_logs: containers
                .container_logs
                .iter()
                .map(|log| (log.id.as_str(), log))
                .collect(),
        };
        for bundle in &containers.bundles {
            names.by_id.entry(&bundle.id).or_insert(bundle);
            if let Some(key) = bundle.cgroups_path.as_deref().and_then(cgroup_key) {
                names.by_cgroup.entry(key).or_insert(bundle);
            }
            if let Some(pid) = bundle.init_pid {
                names.by_init.entry(pid).or_insert(bundle);
            }
        }
        names
    }

    pub fn bundle(&self, id: &str) -> Option<&'a Bundle> {
        self.by_id.get(id).copied()
    }

    pub fn bundle_of_init(&self, pid: u32) -> Option<&'a Bundle> {
        self.by_init.get(&pid).copied()
    }

    /// The bundle with a `cgroupsPath` at or above the process.
    ///
    /// The path may begin below the one of /proc, where the runtime itself runs in a container.
    pub fn bundle_of_cgroup(&self, process: &Process) -> Option<&'a Bundle> {
        if self.by_cgroup.is_empty() {
            return None;
        }
        process.cgroups.iter().find_map(|cgroup| {
            let path = segments(&cgroup.path).join("/");
            let ends: Vec<usize> = ends(&path).collect();
            let starts = std::iter::once(0).chain(ends.iter().map(|end| end + 1));
            starts
                .take(ends.len())
                .enumerate()
                .find_map(|(depth, start)| {
                    let candidates = ends[depth..].iter().rev().map(|&end| &path[start..end]);
                    candidates
                        .filter(|key| start == 0 || key.contains('/') || key.ends_with(".scope"))
                        .find_map(|key| self.by_cgroup.get(key).copied())
                })
        })
    }

    /// The pod of a container, by its bundle, its uid, or the kubelet's link to its log.
    pub fn pod(
        &self,
        uid: Option<&str>,
        bundle: Option<&Bundle>,
        id: Option<&str>,
    ) -> Option<PodName> {
        let text = |what| Some(annotation(bundle?, what)?.to_owned());
        let asked_for = bundle.and_then(|bundle| bundle.cgroups_path.as_deref());
        let uid = uid
            .map(str::to_owned)
            .or_else(|| text(Annotation::PodUid))
            .or_else(|| identify(asked_for?).pod_uid);
        let by_uid = uid.as_deref().and_then(|uid| self.pod_logs.get(uid));
        let by_id = id.and_then(|id| self.container_logs.get(id));
        let name = text(Annotation::PodName)
            .or_else(|| by_uid.map(|log| log.name.clone()))
            .or_else(|| by_id.map(|log| log.pod.clone()));
        let namespace = text(Annotation::PodNamespace)
            .or_else(|| by_uid.map(|log| log.namespace.clone()))
            .or_else(|| by_id.map(|log| log.namespace.clone()));
        if uid.is_none() && name.is_none() {
            return None;
        }
        let (name, namespace) = (name.unwrap_or_default(), namespace.unwrap_or_default());
        let uid = uid
            .or_else(|| self.only_uid(&namespace, &name))
            .unwrap_or_default();
        Some(PodName {
            namespace,
            name,
            uid,
        })
    }

    /// Name of container `id` in its pod; empty where nothing says it.
    pub fn container(&self, bundle: Option<&Bundle>, id: &str) -> String {
        bundle
            .and_then(|bundle| annotation(bundle, Annotation::ContainerName))
            .or_else(|| Some(self.container_logs.get(id)?.container.as_str()))
            .unwrap_or_default()
            .to_owned()
    }

    /// The uid of the pod of that name; `None` where logs of several such pods are left.
    fn only_uid(&self, namespace: &str, name: &str) -> Option<String> {
        let mut logs = self
            .pod_logs
            .values()
            .filter(|log| log.namespace == namespace && log.name == name);
        let log = logs.next()?;
        logs.next().is_none().then(|| log.uid.clone())
    }
}

/// Where each segment of `path` ends.
fn ends(path: &str) -> impl Iterator<Item = usize> {
    let inner = path.match_indices('/').map(|(at, _)| at);
    inner.chain((!path.is_empty()).then_some(path.len()))
}

/// What a `cgroupsPath` is found by; `None` for the root.
///
/// Of the systemd driver's notation that is the scope alone, whose name holds the container's.
fn cgroup_key(cgroups_path: &str) -> Option<String> {
    let key = match unescaped_triple(cgroups_path) {
        Some((_, scope)) => scope,
        None => segments(cgroups_path).join("/"),
    };
    (!key.is_empty()).then_some(key)
}
