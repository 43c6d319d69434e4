//! The requests that the agent sends to the API server.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::{Response, header};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    Event, EventSource, Node, NodeCondition, NodeStatus, ObjectReference,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::client::ClientBuilder;
use kube::{Client, Config};
use serde_json::{Value, json};
use tower::util::MapResponseLayer;

use super::condition_tracker::{Condition, PreviousConditions};
use super::conditions::{ConditionType, Status};
use super::event_queue::{self, PendingEvent};
use super::event_tracker::EventTarget;

/// Field manager, and source of events.
pub const MANAGER: &str = "nospace";

/// Why a request failed.
#[derive(Debug)]
pub enum Failure {
    /// The server answered with an error.
    Rejected {
        /// HTTP status code.
        code: u16,
        /// The server's message.
        message: String,
        /// The header `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// No answer in time.
    Timeout,
    /// No connection, one that broke, or an invalid response.
    Unreachable(String),
}

impl Failure {
    /// Value of the label `result` of `nospace_kubernetes_requests_total`.
    #[must_use]
    pub fn result(&self) -> &'static str {
        match self {
            Self::Rejected { code: 409, .. } => "conflict",
            Self::Rejected { code: 429, .. } => "throttled",
            Self::Rejected { code: 400..500, .. } => "refused",
            Self::Timeout => "timeout",
            Self::Rejected { .. } | Self::Unreachable(_) => "error",
        }
    }
}

/// A client for one node.
pub struct ApiServer {
    node: String,
    client: Client,
    /// No request takes longer.
    timeout: Duration,
    /// `Retry-After` of the last response.
    retry_after: Arc<Mutex<Option<Duration>>>,
}

impl ApiServer {
    /// Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// The configuration names a certificate or key that cannot be used.
    pub fn new(config: Config, node: String, timeout: Duration) -> kube::Result<Self> {
        let retry_after = Arc::<Mutex<_>>::default();
        let last = Arc::clone(&retry_after);
        // kube's errors have no headers, and the 429 of API Priority and Fairness has no Status with retryAfterSeconds.
        let keep = MapResponseLayer::new(move |response: Response<_>| {
            *last.lock().unwrap_or_else(PoisonError::into_inner) = self::retry_after(&response);
            response
        });
        Ok(Self {
            node,
            client: ClientBuilder::try_from(config)?.with_layer(&keep).build(),
            timeout,
            retry_after,
        })
    }

    /// Reads our conditions of the node. An empty patch changes nothing and returns the node, so that the agent needs no right but
    /// `patch` of nodes/status.
    ///
    /// # Errors
    ///
    /// The request failed.
    pub async fn conditions(&self) -> Result<PreviousConditions, Failure> {
        let node = self.patch_status(PatchParams::apply(MANAGER), Patch::Merge(json!({})));
        let status = node.await?.status.unwrap_or_default();
        let conditions = status.conditions.unwrap_or_default().into_iter();
        Ok(conditions.filter_map(own_condition).collect())
    }

    /// Applies our conditions; others stay as they are.
    ///
    /// # Errors
    ///
    /// The request failed.
    pub async fn apply(&self, conditions: &[Condition], now: Timestamp) -> Result<(), Failure> {
        let node = Node {
            metadata: ObjectMeta {
                name: Some(self.node.clone()),
                ..ObjectMeta::default()
            },
            status: Some(NodeStatus {
                conditions: Some(conditions.iter().map(|c| condition(c, now)).collect()),
                ..NodeStatus::default()
            }),
            ..Node::default()
        };
        let params = PatchParams::apply(MANAGER).force();
        self.patch_status(params, Patch::Apply(json!(node))).await?;
        Ok(())
    }

    /// Creates an event.
    ///
    /// # Errors
    ///
    /// The request failed; 409 where an earlier agent has created it.
    pub async fn create_event(&self, pending: &PendingEvent) -> Result<(), Failure> {
        let event = event(&self.node, pending);
        let params = PostParams {
            field_manager: Some(MANAGER.to_owned()),
            ..PostParams::default()
        };
        self.finish(self.events(&event).create(&params, &event))
            .await?;
        Ok(())
    }

    /// Reads the count of an event that exists.
    ///
    /// # Errors
    ///
    /// The request failed; 404 where the server has deleted it.
    pub async fn event_count(&self, pending: &PendingEvent) -> Result<i32, Failure> {
        self.patch_event(pending, |_| json!({})).await
    }

    /// Adds to an event with this count, and returns the new one.
    ///
    /// # Errors
    ///
    /// The request failed; 404 where the server has deleted it.
    pub async fn add_to_event(&self, pending: &PendingEvent, count: i32) -> Result<i32, Failure> {
        let add = |event: &Event| {
            json!({
                "count": count.saturating_add(pending.times),
                "lastTimestamp": event.last_timestamp,
                "message": event.message,
            })
        };
        self.patch_event(pending, add).await
    }

    async fn patch_event(
        &self,
        pending: &PendingEvent,
        patch: impl FnOnce(&Event) -> Value,
    ) -> Result<i32, Failure> {
        let event = event(&self.node, pending);
        let name = event.metadata.name.as_deref().unwrap_or_default();
        let (params, patch) = (PatchParams::apply(MANAGER), Patch::Merge(patch(&event)));
        let events = self.events(&event);
        let event = self.finish(events.patch(name, &params, &patch)).await?;
        Ok(event.count.unwrap_or(1))
    }

    async fn patch_status(
        &self,
        params: PatchParams,
        patch: Patch<Value>,
    ) -> Result<Node, Failure> {
        let nodes = Api::<Node>::all(self.client.clone());
        self.finish(nodes.patch_status(&self.node, &params, &patch))
            .await
    }

    fn events(&self, event: &Event) -> Api<Event> {
        let namespace = event.metadata.namespace.as_deref().unwrap_or_default();
        Api::namespaced(self.client.clone(), namespace)
    }

    async fn finish<T>(
        &self,
        request: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, Failure> {
        let answer = tokio::time::timeout(self.timeout, request).await;
        answer
            .map_err(|_| Failure::Timeout)?
            .map_err(|error| match error {
                kube::Error::Api(status) => Failure::Rejected {
                    code: status.code,
                    message: format!("{} ({})", status.message, status.code),
                    retry_after: *self
                        .retry_after
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner),
                },
                other => Failure::Unreachable(chain(&other)),
            })
    }
}

fn own_condition(condition: NodeCondition) -> Option<(ConditionType, Status, Timestamp)> {
    let kind = ConditionType::ALL
        .into_iter()
        .find(|k| condition.type_ == k.name())?;
    let all = [Status::False, Status::True, Status::Unknown];
    let status = all.into_iter().find(|s| condition.status == s.name())?;
    Some((kind, status, condition.last_transition_time?.0))
}

fn condition(condition: &Condition, now: Timestamp) -> NodeCondition {
    let assessment = &condition.assessment;
    NodeCondition {
        type_: assessment.kind.name().to_owned(),
        status: assessment.status.name().to_owned(),
        reason: Some(assessment.reason.clone()),
        message: Some(assessment.message.clone()),
        last_heartbeat_time: Some(time(now)),
        last_transition_time: Some(time(condition.since)),
    }
}

/// The API has a resolution of one second.
fn time(at: Timestamp) -> Time {
    Time(Timestamp::from_second(at.as_second()).unwrap_or(at))
}

/// Events of a node are in the namespace `default`, as the kubelet's are.
fn event(node: &str, pending: &PendingEvent) -> Event {
    let spec = &pending.spec;
    let object = match &spec.object {
        EventTarget::Node => ObjectReference {
            kind: Some("Node".to_owned()),
            name: Some(node.to_owned()),
            // `kubectl describe node` expects a node's name here, as the kubelet sets it.
            uid: Some(node.to_owned()),
            ..ObjectReference::default()
        },
        EventTarget::Pod(pod) => ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Pod".to_owned()),
            name: Some(pod.name.clone()),
            namespace: Some(pod.namespace.clone()),
            uid: Some(pod.uid.clone()),
            ..ObjectReference::default()
        },
    };
    let namespace = object.namespace.as_deref().unwrap_or("default");
    let name = object.name.as_deref().unwrap_or_default();
    Event {
        metadata: ObjectMeta {
            namespace: Some(namespace.to_owned()),
            name: Some(event_queue::name(name, spec)),
            ..ObjectMeta::default()
        },
        type_: Some(if spec.warning { "Warning" } else { "Normal" }.to_owned()),
        reason: Some(spec.reason.clone()),
        message: Some(spec.message.clone()),
        count: Some(pending.times),
        first_timestamp: Some(time(pending.first)),
        last_timestamp: Some(time(pending.last)),
        source: Some(EventSource {
            component: Some(MANAGER.to_owned()),
            host: Some(node.to_owned()),
        }),
        reporting_component: Some(MANAGER.to_owned()),
        reporting_instance: Some(node.to_owned()),
        involved_object: object,
        ..Event::default()
    }
}

/// `Retry-After` in seconds, the only form that the API server sends.
fn retry_after<B>(response: &Response<B>) -> Option<Duration> {
    let value = response.headers().get(header::RETRY_AFTER)?;
    Some(Duration::from_secs(value.to_str().ok()?.parse().ok()?))
}

/// The sources of an error, each once.
pub fn chain(error: &kube::Error) -> String {
    let mut next = std::error::Error::source(error);
    let mut text = next.map_or_else(|| error.to_string(), ToString::to_string);
    while let Some(error) = next {
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        next = error.source();
    }
    text
}
