//! Container runtimes: all that nospace knows of each, one file a runtime.
//!
//! Parsers, collectors, attribution, the planner and remedies loop over [`RUNTIMES`] and know no runtime by name. To add
//! one: a file here with its [`RuntimeDefinition`], a line in the list, and a variant of [`Runtime`], which reports print.

mod conmon;
mod containerd;
mod crio;
mod docker;
mod guests;
mod isulad;
mod kubelet_labels;
mod podman;

#[cfg(test)]
mod tests;

pub use containerd::CRI_NAMESPACE;
pub use guests::{Guest, guest};
pub use kubelet_labels::with_kubelet_name;

use crate::model::{Bundle, Program, Runtime};

/// Every runtime that is known. Where several could explain something, the first one does.
pub static RUNTIMES: [&RuntimeDefinition; 5] = [
    &containerd::CONTAINERD,
    &crio::CRIO,
    &docker::DOCKER,
    &podman::PODMAN,
    &isulad::ISULAD,
];

/// Annotation by which container engines built on libpod and CRI-O name themselves.
const ENGINE_ANNOTATION: &str = "io.container.manager";

/// A container runtime.
#[derive(Debug)]
pub struct RuntimeDefinition {
    /// What it is in the model.
    pub runtime: Runtime,
    /// As reports and the command line name it.
    pub name: &'static str,
    /// As its makers write it.
    pub title: &'static str,
    /// Further names that the command line takes.
    pub aliases: &'static [&'static str],
    /// `comm` of its daemon; `None` where it has none.
    pub daemon: Option<&'static str>,
    /// Its command line, which takes `exec` and `restart` with a container's name.
    pub command: Option<Program>,
    /// The program that [`RuntimeDefinition::inspect`] runs.
    pub client: Program,
    /// The service of the daemon, as its makers package it, without `.service`.
    pub service: Option<&'static str>,
    /// The process that it keeps beside each container.
    pub monitor: &'static Monitor,
    /// What stands before a container's id in the name of its cgroup; the systemd driver adds `.scope`.
    pub cgroup_prefixes: &'static [(&'static str, Role)],
    /// A cgroup whose children are containers by their bare ids.
    pub cgroup_parent: Option<&'static str>,
    /// Where it keeps its containers' files.
    pub stores: &'static [Store],
    /// The same without root, below `~/.local/share`.
    pub rootless_stores: &'static [Store],
    /// Files of containers that have ended stay.
    pub keeps_ended: bool,
    /// What it writes into [`ENGINE_ANNOTATION`].
    pub engine: Option<&'static str>,
    /// The namespace that it has in containerd, where it runs its containers by that.
    pub containerd_namespace: Option<&'static str>,
    /// Annotations and labels by which its containers are named.
    pub annotations: &'static [&'static [(Annotation, &'static str)]],
    /// Shows a container: namespace in containerd (empty for others) and id, both quoted for a shell.
    pub inspect: fn(namespace: &str, id: &str) -> Option<String>,
    /// Images of pods, and how to remove those that nobody uses.
    pub images: Option<Images>,
    /// What its daemon holds of inotify; `None` for a runtime that does not serve a kubelet.
    pub daemon_use: Option<DaemonUse>,
}

/// A process that a runtime keeps for each container or pod.
#[derive(Debug, PartialEq, Eq)]
pub struct Monitor {
    /// Name of its program; others begin with it and a dash (`containerd-shim-runc-v2`). At most 15 bytes, as in `comm`.
    pub program: &'static str,
    /// As people call all of them.
    pub title: &'static str,
    /// Flags before the container's id, or before a path that ends in it.
    pub id_flags: &'static [&'static str],
    /// The flag that is kept when a command line is recorded, with its dash.
    pub recorded_flag: &'static str,
    /// The container's runtime where nothing else says so.
    pub runtime: Runtime,
    /// Watches that it holds in its one instance for each container, on cgroup v2.
    pub watches: u64,
    /// What its cgroups are called, where each has one beside its container's.
    pub cgroups: Option<&'static str>,
    /// Where that is from.
    pub source: &'static str,
}

/// What kind of process lives in a container's cgroup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// The container's own.
    #[default]
    Payload,
    /// The runtime's [`Monitor`].
    Monitor,
}

/// Files in which a runtime keeps its containers, by their layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// A state directory of containerd.
    ContainerdState(&'static str),
    /// containers/storage, which CRI-O and Podman share.
    ContainersStorage(&'static str),
    /// A data directory of Docker Engine.
    DockerData(&'static str),
}

/// What an annotation or label of a container says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Annotation {
    /// Name of the container, as users chose it.
    Name,
    /// Name of the container in its pod.
    ContainerName,
    /// Whether it is a pod's sandbox: see [`is_sandbox`].
    ContainerType,
    /// Namespace of its pod.
    PodNamespace,
    /// Name of its pod.
    PodName,
    /// uid of its pod.
    PodUid,
    /// Container id of its pod's sandbox.
    SandboxId,
}

/// Where images lie, and how to remove those that no container uses.
#[derive(Debug)]
pub struct Images {
    /// The directory.
    pub directory: &'static str,
    /// The program that removes them.
    pub program: Program,
    /// The command.
    pub prune: &'static str,
    /// What it does.
    pub why: &'static str,
}

/// Inotify instances and watches that a runtime's daemon holds, for `nospace plan`.
#[derive(Debug)]
pub struct DaemonUse {
    /// The processes.
    pub who: &'static str,
    /// By version, the oldest first. The last one holds most: it stands for an unknown version.
    pub versions: &'static [VersionUse],
    /// Measured on real nodes; else assumed.
    pub measured: bool,
    /// Where the figures are from.
    pub source: &'static str,
    /// From this minor version of Kubernetes 1 on, what a kubelet needs besides.
    pub kubelet_needs: Option<(u16, &'static str)>,
    /// The first version, major and minor number, with which a pod with `hostUsers: false` has a budget of its own: the uid that is the
    /// pod's root makes its user namespace. Otherwise root makes it, and is charged for the pod.
    pub own_budgets: Option<(u16, u16)>,
    /// It starts no pause container, unless a pod's containers share a pid namespace, and so no monitor of one; the cgroup is there.
    pub drops_pause: bool,
}

/// What a daemon holds from one version on.
#[derive(Debug)]
pub struct VersionUse {
    /// The first such version: major and minor number.
    pub since: (u16, u16),
    /// What for.
    pub why: &'static str,
    /// Instances.
    pub instances: u64,
    /// Watches in them.
    pub watches: u64,
}

impl DaemonUse {
    /// What a version holds; the most that any does where none is given.
    #[must_use]
    pub fn of(&self, version: Option<(u16, u16)>) -> Option<&'static VersionUse> {
        let mut versions = self.versions.iter().rev();
        versions.find(|entry| version.is_none_or(|version| entry.since <= version))
    }
}

impl RuntimeDefinition {
    /// It can run a kubelet's pods.
    #[must_use]
    pub fn serves_kubelet(&self) -> bool {
        self.daemon_use.is_some()
    }
}

impl Runtime {
    /// What is known of it; `None` for [`Runtime::Unknown`].
    #[must_use]
    pub fn definition(self) -> Option<&'static RuntimeDefinition> {
        RUNTIMES
            .into_iter()
            .find(|definition| definition.runtime == self)
    }

    /// As its makers write it.
    #[must_use]
    pub fn title(self) -> &'static str {
        let of_guests = || guests::of(self).map(|guests| guests.title);
        let title = self.definition().map(|d| d.title).or_else(of_guests);
        title.unwrap_or("unknown runtime")
    }

    /// What its users call one of those that it runs: a container, a machine, a task.
    #[must_use]
    pub fn noun(self) -> &'static str {
        guests::of(self).map_or("container", |guests| guests.noun)
    }

    /// Shows container `id` of containerd's `namespace` (empty for other runtimes); both are words that are quoted for a
    /// shell. `None` where nothing can be asked.
    #[must_use]
    pub fn inspect_command(self, namespace: &str, id: &str) -> Option<String> {
        (self.definition()?.inspect)(namespace, id)
    }
}

/// The runtimes that can run a kubelet's pods.
pub fn for_kubelet() -> impl Iterator<Item = &'static RuntimeDefinition> {
    RUNTIMES.into_iter().filter(|d| d.serves_kubelet())
}

/// The process that a runtime keeps beside a container, by `comm` or by the name of its program.
#[must_use]
pub fn monitor(program: &str) -> Option<&'static Monitor> {
    let is = |monitor: &Monitor| {
        let rest = program.strip_prefix(monitor.program);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    RUNTIMES
        .into_iter()
        .map(|definition| definition.monitor)
        .find(|monitor| is(monitor))
}

/// The runtime that names itself in the annotations of a bundle.
#[must_use]
pub fn by_engine_annotation(bundle: &Bundle) -> Option<Runtime> {
    let engine = bundle.annotations.get(ENGINE_ANNOTATION)?;
    let mut all = RUNTIMES.into_iter();
    Some(all.find(|d| d.engine == Some(engine))?.runtime)
}

/// Who runs the containers of a namespace in containerd.
#[must_use]
pub fn by_containerd_namespace(namespace: &str) -> Runtime {
    let mut all = RUNTIMES.into_iter();
    all.find(|d| d.containerd_namespace == Some(namespace))
        .map_or(Runtime::Containerd, |d| d.runtime)
}

/// The runtime of a container of containers/storage: the one that serves a kubelet names them as the kubelet asks.
#[must_use]
pub fn by_storage(named_by_kubelet: bool) -> Runtime {
    let keeps = |d: &RuntimeDefinition| {
        let mut stores = d.stores.iter();
        stores.any(|store| matches!(store, Store::ContainersStorage(_)))
    };
    let mut all = RUNTIMES.into_iter();
    all.find(|d| keeps(d) && d.serves_kubelet() == named_by_kubelet)
        .map_or(Runtime::Unknown, |d| d.runtime)
}

/// Keys of all annotations and labels that say `what`.
pub fn annotation_keys(what: Annotation) -> impl Iterator<Item = &'static str> {
    annotations()
        .filter(move |(says, _)| *says == what)
        .map(|(_, key)| key)
}

/// nospace reads this annotation or label, so an archive keeps it; any other may hold a secret.
#[must_use]
pub fn is_naming_annotation(key: &str) -> bool {
    key == ENGINE_ANNOTATION || annotations().any(|(_, known)| known == key)
}

fn annotations() -> impl Iterator<Item = (Annotation, &'static str)> {
    let lists = RUNTIMES.into_iter().flat_map(|d| d.annotations);
    lists.copied().flatten().copied()
}

/// What the bundle's annotations say.
#[must_use]
pub fn annotation(bundle: &Bundle, what: Annotation) -> Option<&str> {
    annotation_keys(what)
        .find_map(|key| bundle.annotations.get(key))
        .map(String::as_str)
        .filter(|text| !text.is_empty())
}

/// It is the sandbox of a pod: its pause container.
#[must_use]
pub fn is_sandbox(bundle: &Bundle) -> bool {
    match annotation(bundle, Annotation::ContainerType) {
        Some(kind) => matches!(kind, "sandbox" | "podsandbox"),
        None => annotation(bundle, Annotation::ContainerName) == Some(kubelet_labels::SANDBOX),
    }
}
