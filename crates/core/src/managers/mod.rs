//! Managers of nodes: who starts the kubelet and its runtime, one file a manager.
//!
//! Each [`Manager`] says how the process that is the kubelet is recognised, where it and containerd keep their state, how
//! both are restarted, and on which platform it always runs, which decides how a sysctl lasts. Remedies, forecasts and
//! collectors loop over [`MANAGERS`]. To add one: a file here with its constant, and a line in the list.

mod bottlerocket;
mod k0s;
mod k3s;
mod kind;
mod kubeadm;
mod kubeedge;
mod microk8s;
mod microshift;
mod nixos;
mod openshift;
mod rke2;
mod talos;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::model::{CgroupPath, Environment, KubeletConfig, Runtime};
use crate::platforms::{self, Persistence};
use crate::report::Owner;
use crate::runtimes::{RUNTIMES, Store};
use crate::shell::quote;

/// Every manager that is known. The first whose kubelet a process is has it, so the one that any kubelet may be comes last.
pub static MANAGERS: [&Manager; 12] = [
    &k3s::K3S,
    &rke2::RKE2,
    &microk8s::MICROK8S,
    &k0s::K0S,
    &microshift::MICROSHIFT,
    &kubeedge::KUBEEDGE,
    &talos::TALOS,
    &bottlerocket::BOTTLEROCKET,
    &openshift::OPENSHIFT,
    &nixos::NIXOS,
    &kind::KIND,
    &kubeadm::KUBEADM,
];

/// Who starts the kubelet of a node.
#[derive(Debug)]
pub struct Manager {
    /// As the command line names it.
    pub name: &'static str,
    /// As its makers write it.
    pub title: &'static str,
    /// `comm` of the process that is the kubelet, or has it inside.
    pub kubelet: &'static [&'static str],
    /// Where that process runs, which tells it from another manager's.
    pub place: Place,
    /// Its services, without `.service`, the usual one first; empty where it has none.
    pub services: &'static [&'static str],
    /// Whether PID 1 of its nodes is systemd.
    pub systemd: bool,
    /// What runs in the kubelet's process beside it; `None` where it is alone.
    pub beside: Option<&'static str>,
    /// The runtime that comes with it, or that it is used with unless said otherwise.
    pub runtime: Runtime,
    /// Whether it can be used with another one, by an option or a socket.
    pub has_other_runtimes: bool,
    /// What the kubelet in its process can be configured for at most; `None` where its files and flags say that.
    pub kubelet_config: Option<KubeletConfig>,
    /// The kubelet's root directory.
    pub kubelet_root: &'static str,
    /// State directory of a containerd of its own; `None` where it uses the node's runtime.
    pub containerd_state: Option<&'static str>,
    /// How to restart the kubelet.
    pub restart_kubelet: Restart,
    /// How to restart the runtime; `None` where that is a service of its own, as its makers packaged it.
    pub restart_runtime: Option<Restart>,
    /// What its own process holds of inotify beside the kubelet, as far as its source was read.
    pub own_use: Option<OwnUse>,
    /// Name of the platform that it always runs on, in [`platforms::PLATFORMS`].
    pub platform: Option<&'static str>,
}

/// What a manager's own process holds of inotify.
#[derive(Debug)]
pub struct OwnUse {
    /// Instances.
    pub instances: u64,
    /// Watches in them.
    pub watches: u64,
    /// What for.
    pub why: &'static str,
    /// Where that is from.
    pub source: &'static str,
}

/// Where a kubelet runs.
#[derive(Debug)]
pub enum Place {
    /// Wherever it is.
    Any,
    /// In one of the manager's services.
    Services,
    /// At this cgroup.
    Cgroup(&'static str),
    /// In this service of a systemd in a container of the machine that is checked, outside any pod.
    ServiceInContainer(&'static str),
    /// On an operating system with this `ID` in its os-release(5).
    OperatingSystem(&'static str),
}

/// How something is restarted.
#[derive(Debug)]
pub enum Restart {
    /// By restarting the service that the kubelet runs in; where it runs in none, the one of the manager's that the node has.
    Service,
    /// By restarting this service, whatever the kubelet runs in.
    OtherService(&'static str),
    /// By a command that asks the node's API.
    Command(&'static str),
    /// By a command in the container that the node is.
    Inside(&'static str),
}

impl Manager {
    /// How a sysctl lasts there; `None` where a file in /etc/sysctl.d is all it takes.
    #[must_use]
    pub fn sysctls(&self) -> Option<&'static Persistence> {
        let platform = platforms::find(self.platform?)?;
        Some(&platform.os.as_ref()?.persistence)
    }

    fn runs(
        &self,
        comm: &str,
        owner: &Owner,
        cgroups: &[CgroupPath],
        environment: Option<&Environment>,
    ) -> bool {
        let here = match self.place {
            Place::Any => true,
            Place::Services => {
                let service = inner_service(owner).or_else(|| service(owner));
                service.is_some_and(|service| self.services.contains(&service))
            }
            Place::Cgroup(path) => cgroups.iter().any(|cgroup| cgroup.path == path),
            Place::ServiceInContainer(name) => inner_service(owner) == Some(name),
            Place::OperatingSystem(id) => {
                environment.is_some_and(|environment| environment.os.iter().any(|os| os == id))
            }
        };
        here && self.kubelet.contains(&comm)
    }
}

/// The manager of a node, and where its kubelet runs.
#[derive(Clone, Copy, Debug)]
pub struct NodeManager<'a> {
    /// Who it is.
    pub manager: &'static Manager,
    /// Where the kubelet's process runs.
    owner: &'a Owner,
    environment: Option<&'a Environment>,
}

impl<'a> NodeManager<'a> {
    /// The manager whose kubelet a process is, by its `comm`, its owner, its cgroups and its operating system as far as they
    /// are known; `None` for a process that is no kubelet.
    #[must_use]
    pub fn of(
        comm: &str,
        owner: &'a Owner,
        cgroups: &[CgroupPath],
        environment: Option<&'a Environment>,
    ) -> Option<Self> {
        let mut all = MANAGERS.into_iter();
        let manager = all.find(|manager| manager.runs(comm, owner, cgroups, environment))?;
        Some(Self {
            manager,
            owner,
            environment,
        })
    }

    /// Restarts the kubelet; `None` where the node is not known to have a service for it.
    #[must_use]
    pub fn restart_kubelet(&self) -> Option<String> {
        self.command(&self.manager.restart_kubelet)
    }

    /// Restarts the container runtime that the manager starts itself; `None` where that is a service of its own.
    #[must_use]
    pub fn restart_runtime(&self) -> Option<String> {
        self.command(self.manager.restart_runtime.as_ref()?)
    }

    fn command(&self, restart: &Restart) -> Option<String> {
        match (restart, self.owner) {
            (Restart::Command(command), _) => Some((*command).to_owned()),
            (Restart::Inside(command), Owner::Container { .. }) => {
                let (engine, name) = self.container()?;
                Some(format!("{engine} exec {name} {command}"))
            }
            (Restart::Inside(_), _) => None,
            // The images of k3d and the like have no systemd: their first process is the manager.
            (Restart::Service, Owner::Container { .. }) => {
                let (engine, name) = self.container()?;
                Some(format!("{engine} restart {name}"))
            }
            (Restart::Service, owner) => match service(owner) {
                Some(service) => restart_service(service),
                None => {
                    let mut services = self.manager.services.iter();
                    services.find_map(|service| self.restart_known(service))
                }
            },
            (Restart::OtherService(service), _) => self.restart_known(service),
        }
    }

    fn restart_known(&self, service: &str) -> Option<String> {
        let known = self.environment?.services.contains(service);
        known.then(|| restart_service(service))?
    }

    /// The command line of the engine that runs the node's container, and the container's name, quoted for a shell.
    fn container(&self) -> Option<(&'static str, String)> {
        let Owner::Container {
            runtime, id, name, ..
        } = self.owner
        else {
            return None;
        };
        let engine = runtime.definition()?.command?;
        if !self.environment?.programs.contains(&engine) {
            return None;
        }
        Some((engine.name(), quote(name.as_deref().unwrap_or(id))?))
    }
}

/// Restarts a service of systemd, by its name without `.service`.
#[must_use]
pub fn restart_service(service: &str) -> Option<String> {
    Some(format!("systemctl restart {}", quote(service)?))
}

/// Restarts the kubelet of a node on which none runs, by the one service that the node has for it; `None` where it has none, or
/// those of several managers.
#[must_use]
pub fn restart_dead_kubelet(environment: &Environment) -> Option<String> {
    let managers = MANAGERS.into_iter();
    let managers = managers.filter(|m| matches!(m.restart_kubelet, Restart::Service));
    let services = managers.flat_map(|m| m.services).copied();
    let here: BTreeSet<&str> = services
        .filter(|service| environment.services.contains(*service))
        .collect();
    match here.len() {
        1 => restart_service(here.first()?),
        _ => None,
    }
}

/// Every service that a remedy may restart, without `.service`, each once.
#[must_use]
pub fn services() -> BTreeSet<&'static str> {
    let of_runtimes = RUNTIMES.into_iter().filter_map(|d| d.service);
    let restarts = MANAGERS
        .into_iter()
        .flat_map(|m| std::iter::once(&m.restart_kubelet).chain(&m.restart_runtime));
    let others = restarts.filter_map(|restart| match restart {
        Restart::OtherService(service) => Some(*service),
        Restart::Service | Restart::Command(_) | Restart::Inside(_) => None,
    });
    let own = MANAGERS.into_iter().flat_map(|m| m.services).copied();
    of_runtimes.chain(own).chain(others).collect()
}

/// The service of the system's systemd that a process is in, without `.service`.
#[must_use]
pub fn service(owner: &Owner) -> Option<&str> {
    match owner {
        Owner::Unit { name } if !name.contains('/') => name.strip_suffix(".service"),
        _ => None,
    }
}

/// The service of a guest's systemd that a process is in, without `.service`.
fn inner_service(owner: &Owner) -> Option<&str> {
    let Owner::Container { inner_unit, .. } = owner else {
        return None;
    };
    inner_unit.as_deref()?.strip_suffix(".service")
}

/// `true` for the names that a kubelet runs under, alone or in one program with others.
#[must_use]
pub fn is_kubelet(comm: &str) -> bool {
    MANAGERS.iter().any(|m| m.kubelet.contains(&comm))
}

/// The manager of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Manager> {
    MANAGERS.into_iter().find(|manager| manager.name == name)
}

/// The manager that runs the kubelet and more in one process of this name.
#[must_use]
pub fn combined(comm: &str) -> Option<&'static Manager> {
    let mut all = MANAGERS.into_iter().filter(|m| m.beside.is_some());
    all.find(|m| m.kubelet.contains(&comm))
}

/// The manager that may run the kubelet and more in one process, by the services of a node on which none runs. Services of other
/// managers beside it prove nothing: it may still be the one that starts.
#[must_use]
pub fn combined_by_services(environment: &Environment) -> Option<&'static Manager> {
    let mut combined = MANAGERS.into_iter().filter(|m| m.beside.is_some());
    combined.find(|manager| has_service_of(environment, manager))
}

/// Whether the node has a service for a kubelet, which may be dead or never have been started.
#[must_use]
pub fn has_kubelet_service(environment: &Environment) -> bool {
    let mut managers = MANAGERS.into_iter();
    managers.any(|manager| has_service_of(environment, manager))
}

fn has_service_of(environment: &Environment, manager: &Manager) -> bool {
    let mut services = manager.services.iter();
    services.any(|service| environment.services.contains(*service))
}

/// Where the files of containers may be: each runtime's own places, and those of the containerd that managers start. Each
/// place once.
#[must_use]
pub fn stores() -> Vec<Store> {
    let own = RUNTIMES.into_iter().flat_map(|d| d.stores).copied();
    let managed = MANAGERS.into_iter().filter_map(|m| m.containerd_state);
    let mut stores = Vec::new();
    for store in own.chain(managed.map(Store::ContainerdState)) {
        if !stores.contains(&store) {
            stores.push(store);
        }
    }
    stores
}

/// Root directories of kubelets, each once.
#[must_use]
pub fn kubelet_roots() -> Vec<&'static str> {
    let mut roots = Vec::new();
    for root in MANAGERS.into_iter().map(|m| m.kubelet_root) {
        if !roots.contains(&root) {
            roots.push(root);
        }
    }
    roots
}
