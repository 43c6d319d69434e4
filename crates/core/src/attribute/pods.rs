use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::user_ref;
use crate::model::{Instance, Runtime, Snapshot, UserKey};
use crate::report::{ContainerRef, ContainerUse, Owner, Pod, PodContainer, PodPart};

#[derive(Default)]
struct PodSum<'a> {
    namespace: &'a str,
    name: &'a str,
    instances: u64,
    watches: u64,
    charged: BTreeSet<UserKey>,
    containers: BTreeMap<(PodPart, &'a str), PodContainer>,
}

type Pods<'a> = BTreeMap<&'a str, PodSum<'a>>;
type Containers<'a> = BTreeMap<(Runtime, &'a str), ContainerUse>;

/// Pods and containers that hold instances, those with most watches first.
///
/// An instance that several processes of one pod (or one container) hold counts there once.
pub fn pods(snapshot: &Snapshot, owners: &BTreeMap<u32, Owner>) -> (Vec<Pod>, Vec<ContainerUse>) {
    let (mut pods, mut containers) = (Pods::new(), Containers::new());
    for instance in snapshot.inotify.iter().flat_map(|i| &i.instances) {
        let pids: BTreeSet<u32> = instance.holders.iter().map(|d| d.pid).collect();
        let holders: BTreeSet<&Owner> = pids.iter().filter_map(|p| owners.get(p)).collect();
        add_to_pods(&mut pods, instance, &holders);
        add_to_containers(&mut containers, instance, &holders);
    }
    let mut pods: Vec<Pod> = pods.into_iter().map(finish).collect();
    pods.sort_by(|a, b| (b.watches, b.instances, &a.uid).cmp(&(a.watches, a.instances, &b.uid)));
    let mut containers: Vec<ContainerUse> = containers.into_values().collect();
    containers
        .sort_by(|a, b| (b.watches, b.instances, &a.id).cmp(&(a.watches, a.instances, &b.id)));
    (pods, containers)
}

fn add_to_pods<'a>(pods: &mut Pods<'a>, instance: &Instance, holders: &BTreeSet<&'a Owner>) {
    let mut counted = BTreeSet::new();
    let mut counted_parts = BTreeSet::new();
    for owner in holders {
        let Owner::Pod {
            namespace,
            name,
            uid,
            container,
            part,
        } = owner
        else {
            continue;
        };
        let pod = pods.entry(uid).or_default();
        if pod.name.is_empty() {
            (pod.namespace, pod.name) = (namespace, name);
        }
        if counted.insert(uid) {
            pod.instances += 1;
            pod.watches += u64::from(instance.watches);
            pod.charged.insert(instance.charged);
        }
        // A shim is the pod's own, whichever container its entry names.
        let container = container.as_ref().filter(|_| *part != PodPart::Shim);
        let id = container.map_or("", |c| c.id.as_str());
        if counted_parts.insert((uid, *part, id)) {
            let entry = pod
                .containers
                .entry((*part, id))
                .or_insert_with(|| empty_container(container, *part));
            entry.instances += 1;
            entry.watches += u64::from(instance.watches);
        }
    }
}

fn empty_container(container: Option<&ContainerRef>, part: PodPart) -> PodContainer {
    PodContainer {
        name: container.map(|c| c.name.clone()).unwrap_or_default(),
        id: container.map(|c| c.id.clone()).unwrap_or_default(),
        part,
        instances: 0,
        watches: 0,
    }
}

fn add_to_containers<'a>(
    containers: &mut Containers<'a>,
    instance: &Instance,
    holders: &BTreeSet<&'a Owner>,
) {
    let mut counted = BTreeSet::new();
    for owner in holders {
        let Owner::Container {
            runtime, id, name, ..
        } = owner
        else {
            continue;
        };
        let entry = containers
            .entry((*runtime, id))
            .or_insert_with(|| ContainerUse {
                runtime: *runtime,
                id: id.clone(),
                name: name.clone(),
                instances: 0,
                watches: 0,
            });
        if counted.insert((*runtime, id)) {
            entry.instances += 1;
            entry.watches += u64::from(instance.watches);
        }
    }
}

fn finish((uid, pod): (&str, PodSum)) -> Pod {
    let mut containers: Vec<PodContainer> = pod.containers.into_values().collect();
    containers.sort_by_key(|c| (Reverse(c.watches), Reverse(c.instances), c.part));
    Pod {
        namespace: pod.namespace.to_owned(),
        name: pod.name.to_owned(),
        uid: uid.to_owned(),
        instances: pod.instances,
        watches: pod.watches,
        charged: pod.charged.into_iter().map(user_ref).collect(),
        containers,
    }
}
