use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Pair, UserKey};
use crate::report::{ContainerUse, Owner, Pod, ProcessUse, Report};
use crate::workload::Workload;

/// What a workload holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Holding {
    /// Instances and watches.
    #[serde(flatten)]
    pub holds: Pair<u64>,
    /// Its pods, containers or processes that hold any.
    pub parts: u64,
    /// Whom most of it is charged to.
    #[serde(skip)]
    pub charged: Option<UserKey>,
    /// What tells one start of it from the next: ids of containers; pids outside of containers.
    #[serde(skip)]
    pub ids: BTreeSet<String>,
}

/// What every workload of a node holds.
#[derive(Clone, Debug, Default)]
pub struct Holdings {
    /// By workload.
    pub by: BTreeMap<Workload, Holding>,
}

impl Holdings {
    /// Those of a report.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let (pods, containers) = (&report.pods, &report.containers);
        Self::sum(pods, containers, &report.processes, &report.node.name)
    }

    /// Sums by workload. An instance that processes of the host share counts with each of them.
    #[must_use]
    pub fn sum(
        pods: &[Pod],
        containers: &[ContainerUse],
        processes: &[ProcessUse],
        node: &str,
    ) -> Self {
        let mut all = Self::default();
        for pod in pods {
            let workload = Workload::of_pod(&pod.namespace, &pod.name, &pod.uid, node);
            let holding = all.add(workload, pod.instances, pod.watches);
            holding.charged = holding
                .charged
                .or(pod.charged.first().map(|&user| user.into()));
            let ids = pod.containers.iter().map(|container| container.id.clone());
            holding.ids.extend(ids.filter(|id| !id.is_empty()));
        }
        for container in containers {
            let workload = Workload::of_container(container.name.as_deref(), &container.id);
            let holding = all.add(workload, container.instances, container.watches);
            holding.ids.insert(container.id.clone());
        }
        for process in processes {
            let workload = Workload::of_process(&process.owner, &process.comm, node);
            if matches!(process.owner, Owner::Host | Owner::Unit { .. }) {
                let holding = all.add(workload, process.instances, process.watches);
                holding.charged = holding.charged.or(Some(process.charged.into()));
                holding.ids.insert(process.pid.to_string());
            } else if let Some(holding) = all.by.get_mut(&workload) {
                holding.charged = holding.charged.or(Some(process.charged.into()));
            }
        }
        all
    }

    fn add(&mut self, workload: Workload, instances: u64, watches: u64) -> &mut Holding {
        let holding = self.by.entry(workload).or_default();
        holding.holds.instances += instances;
        holding.holds.watches += watches;
        holding.parts += 1;
        holding
    }
}
