use std::collections::{BTreeMap, BTreeSet};

use super::{View, below};
use crate::model::{Pair, Runtime, UserKey};
use crate::report::Owner;

/// Who holds instances, as a person would name it: the smallest thing that can be stopped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// A pod, by its uid.
    Pod {
        /// Pod uid.
        uid: String,
        /// Kubernetes namespace.
        namespace: String,
        /// Pod name.
        name: String,
    },
    /// A container outside any pod.
    Container {
        /// Who runs it.
        runtime: Runtime,
        /// Full id.
        id: String,
        /// Name where the runtime gives one.
        name: Option<String>,
    },
    /// A process of the host.
    Process {
        /// pid.
        pid: u32,
    },
}

/// What one holder takes of one user's budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Who.
    pub part: Part,
    /// Instances, each once, and the watches in them.
    pub holds: Pair<u64>,
    /// The processes that hold them.
    pub pids: BTreeSet<u32>,
}

impl View<'_> {
    /// What the process counts as.
    #[must_use]
    pub fn part(&self, pid: u32) -> Part {
        match self.owner(pid) {
            Owner::Pod {
                namespace,
                name,
                uid,
                ..
            } => Part::Pod {
                uid: uid.clone(),
                namespace: namespace.clone(),
                name: name.clone(),
            },
            Owner::Container {
                runtime, id, name, ..
            } => Part::Container {
                runtime: *runtime,
                id: id.clone(),
                name: name.clone(),
            },
            Owner::Host | Owner::Unit { .. } => Part::Process { pid },
        }
    }

    /// Who holds what is charged to `key`, the users that draw on it included; unsorted.
    ///
    /// An instance that two holders share is listed with both.
    #[must_use]
    pub fn holders(&self, key: UserKey) -> Vec<Holder> {
        let Some(inotify) = &self.snapshot.inotify else {
            return Vec::new();
        };
        let mut holders = BTreeMap::<Part, Holder>::new();
        for instance in &inotify.instances {
            if !below(inotify, instance.charged, key) {
                continue;
            }
            let mut parts = BTreeMap::<Part, BTreeSet<u32>>::new();
            for descriptor in &instance.holders {
                let pids = parts.entry(self.part(descriptor.pid)).or_default();
                pids.insert(descriptor.pid);
            }
            for (part, pids) in parts {
                let holder = holders.entry(part.clone()).or_insert_with(|| Holder {
                    part,
                    holds: Pair::default(),
                    pids: BTreeSet::new(),
                });
                holder.holds.instances += 1;
                holder.holds.watches += u64::from(instance.watches);
                holder.pids.extend(pids);
            }
        }
        holders.into_values().collect()
    }
}
