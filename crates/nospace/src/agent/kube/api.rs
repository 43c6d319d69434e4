//! The requests that the agent makes of the API server, and how they end.

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

/// Who we are: field manager and source of events.
pub const MANAGER: &str = "nospace";

/// A request that failed.
#[derive(Debug)]
pub enum Failure {
    /// The server answered, and did not do it.
    Rejected {
        /// HTTP's code.
        code: u16,
        /// The server's message.
        message: String,
        /// How long it asks us to wait.
        retry_after: Option<Duration>,
    },
    /// No answer in time.
    Timeout,
    /// No connection, or one that ended, or an answer that is none.
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

/// The API server, for one node.
pub struct ApiServer {
    node: String,
    client: Client,
    /// No request takes longer.
    timeout: Duration,
    /// `Retry-After` of the last answer.
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
        // kube's errors hold no headers, and an answer of API Priority and Fairness (429) is no Status that could hold it.
        let keep = MapResponseLayer::new(move |response: Response<_>| {
            *last.lock().unwrap_or_else(PoisonError::into_inner) = seconds(&response);
            response
        });
        Ok(Self {
            node,
            client: ClientBuilder::try_from(config)?.with_layer(&keep).build(),
            timeout,
            retry_after,
        })
    }

    /// Our conditions as the node has them. An empty patch changes nothing and answers with the node, so that `patch` of
    /// nodes/status is all that is needed.
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

    /// Applies our conditions, and nobody else's.
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
    /// The request failed; 409 where an agent before this one created it.
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

    /// How often an event that is there has happened.
    ///
    /// # Errors
    ///
    /// The request failed; 404 where the server has forgotten it.
    pub async fn event_count(&self, pending: &PendingEvent) -> Result<i32, Failure> {
        self.patch_event(pending, |_| json!({})).await
    }

    /// Adds to an event that has happened `count` times; how often it has now.
    ///
    /// # Errors
    ///
    /// The request failed; 404 where the server has forgotten it.
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

/// The API keeps seconds.
fn time(at: Timestamp) -> Time {
    Time(Timestamp::from_second(at.as_second()).unwrap_or(at))
}

/// Events of a node lie in the namespace `default`, as the kubelet's do.
fn event(node: &str, pending: &PendingEvent) -> Event {
    let spec = &pending.spec;
    let object = match &spec.object {
        EventTarget::Node => ObjectReference {
            kind: Some("Node".to_owned()),
            name: Some(node.to_owned()),
            // The kubelet's way, which `kubectl describe node` knows: a node's uid is its name.
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

/// Seconds are all that the API server sends.
fn seconds<B>(response: &Response<B>) -> Option<Duration> {
    let value = response.headers().get(header::RETRY_AFTER)?;
    Some(Duration::from_secs(value.to_str().ok()?.parse().ok()?))
}

/// What the client's error came from, each said once.
fn chain(error: &kube::Error) -> String {
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
