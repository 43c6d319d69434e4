use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attribute::View;
use crate::model::{InotifyResource, Provenance};
use crate::plan::{MOST_PODS, NodeOverrides, Question, plan_node};

/// How many more pods inotify's limits allow, of the kind that the node runs now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MorePods {
    /// Pods beside those that run; null where no number of pods reaches a limit.
    pub pods: Option<u64>,
    /// Which limit ends it; null where none does.
    pub binds: Option<InotifyResource>,
    /// How far the use that it follows from can be trusted: where that is an estimate, this is the most.
    pub provenance: Provenance,
}

impl MorePods {
    /// From the use and the limits of root, which pods are charged to by default; `None` where either could not be read, and on a machine
    /// with neither pods nor a kubelet.
    #[must_use]
    pub fn of(view: &View) -> Option<Self> {
        let plan = plan_node(&Question::default(), NodeOverrides::default(), view, &[]).ok()?;
        let node = plan.node?;
        if node.pods == 0 && !node.kubelet_runs {
            return None;
        }
        let provenance = node.instances.provenance.and(node.watches.provenance);
        let live = plan.limits.iter().find(|limits| limits.name == "this node");
        let live = live.filter(|_| provenance != Provenance::Unavailable)?;
        let fits = live.pods.unwrap_or(0);
        Some(Self {
            pods: (fits < MOST_PODS).then(|| fits.saturating_sub(node.pods)),
            binds: live.binds,
            provenance,
        })
    }
}
