//! Kubernetes: this node's conditions and events.
//!
//! ```text
//! Observation ─┬ conditions ────▶ Assessment ─ condition_tracker ─▶ Condition ────┬▶ publisher ─ api ─▶ API server
//!              └ event_tracker ─▶ EventSpec ── event_queue ───────▶ PendingEvent ─┘
//! ```
//!
//! All but *publisher*, *api* and *access* is pure. Conditions show the present state; events show what happened, also while the server was
//! unreachable, each once, with when and how often.

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
pub(in crate::agent) mod scenarios;
mod token_review;

use std::sync::Arc;

pub use access::Access;
pub(crate) use api::chain;
pub(super) use backoff::Backoff;
pub(crate) use backoff::jittered;
pub use event_tracker::EventTiming;
pub(super) use event_tracker::{EventSpec, EventTarget, EventTracker};
use publisher::Publisher;
pub use publisher::Timing;
pub use token_review::TokenReview;

use super::observation::{ObservationReceiver, ShutdownReceiver};
use super::request_counter::RequestCounter;
use crate::ui;

/// The rights that the agent needs, and all that it uses. `deploy/` has the same.
pub const RULES: &str = include_str!("rules.yaml");

/// Publishes conditions and events of `node` until `stop`. It runs on the agent's single thread, so nothing in it may block. Without
/// a service account or a kubeconfig it returns at once.
pub async fn start(
    observations: ObservationReceiver,
    node: String,
    requests: Arc<RequestCounter>,
    stop: ShutdownReceiver,
) {
    let access = Access::find();
    if access == Access::None {
        ui::warn(
            "not publishing node conditions and events: not in a pod, and KUBECONFIG is not set (--kube off silences this)",
        );
        return;
    }
    publish(
        access,
        Timing::default(),
        observations,
        node,
        requests,
        stop,
    )
    .await;
}

/// [`start`] with the given access and timing.
pub async fn publish(
    access: Access,
    timing: Timing,
    observations: ObservationReceiver,
    node: String,
    requests: Arc<RequestCounter>,
    stop: ShutdownReceiver,
) {
    // Names of nodes are lower case; the kubelet converts the host name in the same way.
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
