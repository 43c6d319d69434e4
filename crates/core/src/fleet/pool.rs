use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Labels that name the pool of a node, the first that it has counts. Nodes of one machine type are alike where nothing else says more.
pub const NODE_POOL_LABELS: [&str; 10] = [
    "cloud.google.com/gke-nodepool",
    "eks.amazonaws.com/nodegroup",
    "kubernetes.azure.com/agentpool",
    "agentpool",
    "karpenter.sh/nodepool",
    "doks.digitalocean.com/node-pool",
    "node.openshift.io/machine-pool",
    "k8s.scaleway.com/pool-name",
    "node.kubernetes.io/instance-type",
    "beta.kubernetes.io/instance-type",
];

/// Nodes that should be alike.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub struct Pool {
    /// The label that names it.
    pub label: String,
    /// Its name.
    pub name: String,
}

impl Pool {
    /// By `label` where one is given, else by the first of [`NODE_POOL_LABELS`].
    #[must_use]
    pub fn of(labels: &BTreeMap<String, String>, label: Option<&str>) -> Option<Self> {
        let of = |label: &str| {
            let name = labels.get(label).filter(|name| !name.is_empty())?;
            Some(Self {
                label: label.to_owned(),
                name: name.clone(),
            })
        };
        match label {
            Some(label) => of(label),
            None => NODE_POOL_LABELS.into_iter().find_map(of),
        }
    }
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
