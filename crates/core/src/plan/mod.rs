//! What limits a node needs, and what they cost.
//!
//! A [`Question`] gives [`Term`]s by formula ([`plan`]); a node that is checked gives them by what it uses
//! ([`plan_node`]). [`memory`] says what limits cost, [`crate::platforms`] which ones platforms set.

mod capacity;
pub mod memory;
mod node;
mod propose;
mod question;
mod report;
mod term;
mod terms;
mod versions;

#[cfg(test)]
mod node_tests;
#[cfg(test)]
mod plan_tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::limits::recommended::recommended_watches as common_watches;
pub use capacity::{CandidateLimits, Capacity, MOST_PODS, Verdict};
pub use node::{NodeOverrides, NodePlanError, plan_node};
pub use question::{Cgroup, CgroupDriver, Contradiction, NoVersion, Question, Version};
pub use report::{MemoryCost, NodeBase, OtherLimit, PerPod, Plan};
pub use term::{Basis, Formula, Part, Term, total};

use crate::limits::recommended::{RECOMMENDED_INSTANCES, RECOMMENDED_WATCHES};
use crate::model::Pair;
use crate::report::SCHEMA_VERSION;

/// A pair of limits to set: `fs.inotify.max_user_instances` and `fs.inotify.max_user_watches`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Proposal {
    /// `fs.inotify.max_user_instances`.
    pub max_user_instances: u64,
    /// `fs.inotify.max_user_watches`.
    pub max_user_watches: u64,
}

impl Proposal {
    /// What RKE2, kube-up, EKS and Bottlerocket agree on for a node.
    pub const COMMON_PRACTICE: Self = Self {
        max_user_instances: RECOMMENDED_INSTANCES,
        max_user_watches: RECOMMENDED_WATCHES,
    };
}

/// What a node that does not exist yet needs, compared with limits.
///
/// # Errors
///
/// When the question contradicts itself.
pub fn plan(asked: &Question, against: &[CandidateLimits]) -> Result<Plan, Contradiction> {
    let mut notes = asked.notes()?;
    notes.extend(versions::notes(asked.kubernetes, asked.cgroup));
    notes.extend(root_workloads(asked));
    let need = |pods: u64| {
        total(&terms::terms(&Question {
            pods,
            ..asked.clone()
        }))
    };
    Ok(answer(
        asked,
        None,
        terms::terms(asked),
        &need,
        against,
        notes,
    ))
}

/// What a formula cannot know.
fn root_workloads(asked: &Question) -> Option<String> {
    (asked.extra == Pair::default()).then(|| {
        format!(
            "Not included: workloads that run as root{}; add them with --extra-instances and --extra-watches.",
            pods_of_root(asked)
        )
    })
}

/// Pods in user namespaces that root is charged for.
fn pods_of_root(asked: &Question) -> String {
    let runtime = asked
        .runtime
        .definition()
        .and_then(|d| d.daemon_use.as_ref());
    let own = runtime.and_then(|daemon| {
        let (major, minor) = daemon.own_budgets?;
        Some((daemon.who, Version::new(major, minor)))
    });
    match (own, asked.runtime_version) {
        (Some((_, since)), Some(version)) if version >= since => String::new(),
        (Some((who, since)), None) => format!(", or with hostUsers: false before {who} {since}"),
        _ => " or with hostUsers: false".to_owned(),
    }
}

/// The plan that follows from terms, and from what other numbers of pods would need.
fn answer(
    asked: &Question,
    node: Option<NodeBase>,
    terms: Vec<Term>,
    need: &dyn Fn(u64) -> Pair<u64>,
    against: &[CandidateLimits],
    mut notes: Vec<String>,
) -> Plan {
    let needed = total(&terms);
    let with_headroom = propose::with_headroom(needed, asked.headroom_percent);
    let mut proposal = propose::propose(with_headroom, asked.memory_bytes);
    if let Some(node) = &node {
        // A limit that is there is not lowered.
        let live = |limit: Option<u64>| limit.unwrap_or(0).min(memory::MOST);
        proposal.max_user_instances = proposal.max_user_instances.max(live(node.instances.limit));
        proposal.max_user_watches = proposal.max_user_watches.max(live(node.watches.limit));
    }
    notes.extend(too_much(needed, proposal, asked.memory_bytes));
    let proposed = CandidateLimits::figures("proposal", proposal, "this plan");
    let limits = std::iter::once(&proposed)
        .chain(against)
        .map(|limits| capacity::capacity(limits, asked.pods, need))
        .collect();
    Plan {
        schema_version: SCHEMA_VERSION,
        asked: asked.clone(),
        node,
        terms,
        needed,
        with_headroom,
        proposal,
        memory: MemoryCost {
            bytes_per_watch: memory::WATCH_BYTES,
            bytes_per_instance: memory::INSTANCE_BYTES,
            needed_bytes: memory::worst_case(Proposal {
                max_user_instances: needed.instances,
                max_user_watches: needed.watches,
            }),
            worst_case_bytes: memory::worst_case(proposal),
        },
        limits,
        other_limits: Vec::new(),
        notes,
    }
}

/// What no limit or no memory bears.
fn too_much(needed: Pair<u64>, proposal: Proposal, memory_bytes: Option<u64>) -> Vec<String> {
    let mut notes = Vec::new();
    if needed.instances > memory::MOST || needed.watches > memory::MOST {
        notes.push(format!(
            "The kernel accepts no limit above {}: this cannot run on one node.",
            memory::MOST
        ));
    }
    if let Some(memory) = memory_bytes
        && proposal.max_user_watches > memory::most_watches(memory)
    {
        notes.push(format!(
            "{} watches, if all are used, cost more than half of {} of memory.",
            crate::amount::thousands(proposal.max_user_watches),
            crate::amount::bytes(memory)
        ));
    }
    notes
}
