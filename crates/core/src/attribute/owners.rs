//! pid → cgroup → container → pod → names.

use std::collections::BTreeMap;

use super::names::Names;
use crate::model::{Bundle, Process, Runtime, Snapshot};
use crate::parse::cgroup_path::{CgroupIdentity, ContainerCgroup, identify};
use crate::report::{ContainerRef, Owner, PodPart};
use crate::runtimes::{self, Role, is_sandbox};

/// The owner of each process, from what the snapshot holds of the node's disk.
///
/// A container is looked for by the cgroup that its bundle asks for, then by the id in the cgroup's
/// name; names come from the bundle, then from the kubelet's log directories. A shim or conmon
/// belongs to what it serves. What a node in a container (kind) runs belongs to the pod where the
/// pod's name is known, else to the container that the node is.
#[must_use]
pub fn owners(snapshot: &Snapshot) -> BTreeMap<u32, Owner> {
    let names = Names::new(&snapshot.containers);
    snapshot
        .processes
        .iter()
        .map(|process| (process.pid, owner(&names, process)))
        .collect()
}

fn owner(names: &Names<'_>, process: &Process) -> Owner {
    let identity = most_specific(process);
    if let Some(id) = &process.serves {
        return served(names, process, identity, id);
    }
    // The cgroup of a pod's container is below the node's too, where that is a container.
    let is_node = |bundle: &&Bundle| {
        let outer = identity.outer.as_ref();
        outer.is_some_and(|outer| outer.id == bundle.id)
    };
    let bundle = names
        .bundle_of_cgroup(process)
        .filter(|bundle| !is_node(bundle))
        .or_else(|| names.bundle(&identity.container.as_ref()?.id))
        .or_else(|| {
            names
                .bundle_of_init(process.pid)
                .filter(|_| identity.weight() < 2)
        });
    let part = match &identity.container {
        Some(ContainerCgroup {
            role: Role::Monitor,
            ..
        }) => PodPart::Shim,
        _ => PodPart::Container,
    };
    resolve(names, &identity, bundle, part)
}

/// The most specific identity of all hierarchies; v1 has one for each controller, and they may differ.
fn most_specific(process: &Process) -> CgroupIdentity {
    let identities = process.cgroups.iter().map(|cgroup| identify(&cgroup.path));
    identities
        .reduce(|best, next| {
            if next.weight() > best.weight() {
                next
            } else {
                best
            }
        })
        .unwrap_or_default()
}

/// The owner of a runtime's process that serves container or sandbox `id`.
fn served(names: &Names<'_>, process: &Process, mut identity: CgroupIdentity, id: &str) -> Owner {
    let by_cgroup = identity.container.filter(|container| container.id == id);
    let by_cgroup = by_cgroup.map_or(Runtime::Unknown, |container| container.runtime);
    let by_monitor = runtimes::monitor(&process.comm).map(|monitor| monitor.runtime);
    let runtime = by_monitor
        .filter(|runtime| *runtime != Runtime::Unknown)
        .unwrap_or(by_cgroup);
    identity.container = Some(ContainerCgroup {
        id: id.to_owned(),
        name: None,
        runtime,
        role: Role::Monitor,
    });
    resolve(names, &identity, names.bundle(id), PodPart::Shim)
}

fn resolve(
    names: &Names<'_>,
    identity: &CgroupIdentity,
    bundle: Option<&Bundle>,
    part: PodPart,
) -> Owner {
    let id = bundle
        .map(|bundle| bundle.id.as_str())
        .or_else(|| Some(identity.container.as_ref()?.id.as_str()));
    if let Some(pod) = names.pod(identity.pod_uid.as_deref(), bundle, id) {
        let in_unnamed_node = pod
            .name
            .is_empty()
            .then_some(identity.outer.as_ref())
            .flatten();
        if let Some(node) = in_unnamed_node {
            return container(node, None, names.bundle(&node.id));
        }
        let sandbox = bundle.is_some_and(is_sandbox);
        return Owner::Pod {
            namespace: pod.namespace,
            name: pod.name,
            uid: pod.uid,
            container: id.filter(|_| part != PodPart::Shim).map(|id| ContainerRef {
                name: if sandbox {
                    String::new()
                } else {
                    names.container(bundle, id)
                },
                id: id.to_owned(),
            }),
            part: if sandbox && part == PodPart::Container {
                PodPart::Sandbox
            } else {
                part
            },
        };
    }
    let by_cgroup = identity.container.as_ref();
    match (id, &identity.unit) {
        (Some(id), _) => {
            let unnamed = ContainerCgroup {
                id: id.to_owned(),
                ..ContainerCgroup::default()
            };
            let by_cgroup = by_cgroup.filter(|c| c.id == id).unwrap_or(&unnamed);
            container(by_cgroup, identity.inner_unit.clone(), bundle)
        }
        (None, Some(unit)) => Owner::Unit { name: unit.clone() },
        (None, None) => Owner::Host,
    }
}

/// A container outside any pod; its bundle knows the runtime better than its cgroup does.
fn container(
    by_cgroup: &ContainerCgroup,
    inner_unit: Option<String>,
    bundle: Option<&Bundle>,
) -> Owner {
    let by_bundle = bundle.map_or(Runtime::Unknown, |bundle| bundle.runtime);
    Owner::Container {
        runtime: if by_bundle == Runtime::Unknown {
            by_cgroup.runtime
        } else {
            by_bundle
        },
        id: by_cgroup.id.clone(),
        name: bundle
            .and_then(|bundle| bundle.name.clone())
            .or_else(|| by_cgroup.name.clone()),
        inner_unit,
    }
}

#[cfg(test)]
#[path = "owners_tests.rs"]
mod tests;
