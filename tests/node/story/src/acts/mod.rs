//! The acts, in their order; each leaves the node as it found it.

mod agent_node;
mod away;
pub mod cadvisor;
mod causes;
mod cluster_debug;
mod crio;
mod forecast;
mod guard;
mod healthy;
mod hog;
mod host_users;
mod incident;
mod instances;
mod limits;
mod plan;
mod pods;
mod rights;
mod small_pods;
mod told;
mod two_kubelets;
mod watches;

use crate::Stage;

/// An act and its name.
pub type Act = (&'static str, fn(&mut Stage) -> anyhow::Result<()>);

/// Those of the agent before an API server.
pub const API: &[Act] = &[
    ("agent-rights", rights::least),
    ("agent-conditions", told::conditions),
    ("agent-server-away", away::a_minute),
];

/// Those of a whole node.
pub const NODE: &[Act] = &[
    ("healthy", healthy::healthy),
    ("healthy-oracle", healthy::oracle),
    ("plan", plan::terms),
    ("watches-exhausted", watches::exhausted),
    ("watches-forecast", forecast::watches),
    ("instances-exhausted", instances::exhausted),
    ("instances-forecast", forecast::instances),
    ("settings-forecast", forecast::settings),
    ("small-pods", small_pods::exhausted),
    ("crio-start", crio::starts),
    ("host-users", host_users::charged),
    ("agent", agent_node::reported),
    ("guard", guard::kept),
    ("cluster-debug", cluster_debug::nothing_installed),
    ("two-kubelets", two_kubelets::at_once),
    ("other-causes", causes::named),
    ("incident", incident::told),
];
