//! The Kubernetes API: what the newest look means for this node's conditions and events.
//!
//! ```text
//! Seen ─┬ conditions ─▶ Wanted ─ standing ─▶ Condition ─┬▶ post ─ api ─▶ API server
//!       └ troubles ───▶ Note ─── outbox ──▶ Waiting ────┘
//! ```
//!
//! All but *post*, *api* and *access* is pure. Conditions tell the present, whatever happened while the server was away; events tell
//! what happened, each once, with when and how often.

mod access;
mod api;
mod backoff;
mod condition_tracker;
mod conditions;
mod event_queue;
mod event_tracker;
#[cfg(test)]
pub mod fixtures;
mod message;
mod publisher;
#[cfg(test)]
mod scenarios;

use std::sync::Arc;

pub use access::Access;
pub use event_tracker::EventTiming;
use publisher::Publisher;
pub use publisher::Timing;

use super::observation::{ObservationReceiver, ShutdownReceiver};
use super::request_counter::RequestCounter;
use crate::ui;

/// What this part may do in a cluster, and all that it does. `deploy/` has the same.
pub const RULES: &str = include_str!("rules.yaml");

/// Tells the API server about `node`, from the news, until `stop` says so. It runs on the agent's single thread, so nothing
/// in it may block; without an API server in reach of a pod (or a kubeconfig) it returns at once.
pub async fn start(
    observations: ObservationReceiver,
    node: String,
    requests: Arc<RequestCounter>,
    stop: ShutdownReceiver,
) {
    let access = Access::find();
    if access == Access::None {
        ui::warn(
            "no node conditions and no events: neither a pod's service account nor KUBECONFIG is there (--kube off says that \
             this is meant)",
        );
        return;
    }
    tell(
        access,
        Timing::default(),
        observations,
        node,
        requests,
        stop,
    )
    .await;
}

/// The same, with what [`start`] finds out given.
pub async fn tell(
    access: Access,
    timing: Timing,
    observations: ObservationReceiver,
    node: String,
    requests: Arc<RequestCounter>,
    stop: ShutdownReceiver,
) {
    // The API server knows nodes by names in small letters; the kubelet does the same to the host's name.
    let node = node.trim().to_ascii_lowercase();
    Publisher::new(timing, node, access, &requests)
        .run(observations, stop)
        .await;
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_documented_rights_are_those_that_are_tried() {
        let page = include_str!("../../../../../docs/agent-kubernetes.md");
        assert!(page.contains(super::RULES));
    }
}
