//! The three requests that are made of the API server, and how they end.

use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use hyper::{Method, Request, Response, StatusCode, header};
use k8s_openapi::api::core::v1::{Event, EventSource, NodeCondition, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::Client;
use kube::client::Body;
use serde::Deserialize;
use serde_json::{Value, json};

use super::conditions::{Kind, Status};
use super::outbox::{self, Posted, Waiting};
use super::standing::{Before, Condition};
use super::troubles;

/// Who we are: field manager and source of events.
pub const MANAGER: &str = "nospace";
/// No answer is read further than this: a node has tens of kilobytes.
const MOST_ANSWER: usize = 1 << 20;

/// A request, ready to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    method: Method,
    path: String,
    content: &'static str,
    body: Value,
}

/// How a request ended.
#[derive(Debug)]
pub enum Answer {
    /// It was done; what the object says now.
    Done(Object),
    /// The server answered, and did not do it.
    Refused {
        /// HTTP's code.
        code: u16,
        /// The server's words.
        words: String,
        /// How long it asks us to wait.
        wait: Option<Duration>,
    },
    /// No answer in time.
    Late,
    /// No connection, or one that ended.
    Away(String),
}

impl Answer {
    /// How it is counted.
    #[must_use]
    pub fn result(&self) -> &'static str {
        match self {
            Self::Done(_) => "ok",
            Self::Refused { code: 409, .. } => "conflict",
            Self::Refused { code: 429, .. } => "throttled",
            Self::Refused { code: 400..500, .. } => "refused",
            Self::Late => "timeout",
            Self::Refused { .. } | Self::Away(_) => "error",
        }
    }
}

/// Reads the node: a merge of nothing changes nothing and answers with the node. So `patch` of nodes/status is all that is needed.
#[must_use]
pub fn read(node: &str) -> Call {
    Call {
        method: Method::PATCH,
        path: format!("/api/v1/nodes/{node}/status?fieldManager={MANAGER}"),
        content: "application/merge-patch+json",
        body: json!({}),
    }
}

/// What we want to know of a node or an event; the rest of an answer is not kept.
#[derive(Debug, Default, Deserialize)]
pub struct Object {
    /// How often an event happened.
    pub count: Option<i32>,
    #[serde(default)]
    status: NodeStatus,
}

#[derive(Debug, Default, Deserialize)]
struct NodeStatus {
    #[serde(default)]
    conditions: Vec<NodeCondition>,
}

impl Object {
    /// Our conditions of a node.
    #[must_use]
    pub fn before(&self) -> Before {
        let conditions = self.status.conditions.iter().filter_map(|c| {
            let kind = Kind::ALL.into_iter().find(|k| c.type_ == k.name())?;
            let all = [Status::False, Status::True, Status::Unknown];
            let status = all.into_iter().find(|s| c.status == s.name())?;
            Some((kind, status, c.last_transition_time.as_ref()?.0))
        });
        conditions.collect()
    }
}

/// Applies our conditions, and nobody else's.
#[must_use]
pub fn apply(node: &str, conditions: &[Condition], now: jiff::Timestamp) -> Call {
    let conditions: Vec<NodeCondition> = conditions.iter().map(|c| condition(c, now)).collect();
    Call {
        method: Method::PATCH,
        path: format!("/api/v1/nodes/{node}/status?fieldManager={MANAGER}&force=true"),
        content: "application/apply-patch+yaml",
        body: json!({
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": node},
            "status": {"conditions": conditions},
        }),
    }
}

fn condition(condition: &Condition, now: jiff::Timestamp) -> NodeCondition {
    let wanted = &condition.wanted;
    NodeCondition {
        type_: wanted.kind.name().to_owned(),
        status: wanted.status.name().to_owned(),
        reason: Some(wanted.reason.clone()),
        message: Some(wanted.message.clone()),
        last_heartbeat_time: Some(time(now)),
        last_transition_time: Some(time(condition.since)),
    }
}

/// The API keeps seconds.
fn time(at: jiff::Timestamp) -> Time {
    Time(jiff::Timestamp::from_second(at.as_second()).unwrap_or(at))
}

/// Makes an event, reads one as [`read`] does, or adds to it.
#[must_use]
pub fn event(node: &str, waiting: &Waiting, posted: Option<Posted>) -> Call {
    let event = whole(node, waiting);
    let (namespace, name) = (&event.metadata.namespace, &event.metadata.name);
    let namespace = namespace.as_deref().unwrap_or_default();
    let events = format!("/api/v1/namespaces/{namespace}/events");
    let Some(posted) = posted else {
        return Call {
            method: Method::POST,
            path: format!("{events}?fieldManager={MANAGER}"),
            content: "application/json",
            body: json!(event),
        };
    };
    let body = match posted {
        Posted::Found => json!({}),
        Posted::Counted(count) => json!({
            "count": count.saturating_add(waiting.times),
            "lastTimestamp": event.last_timestamp,
            "message": event.message,
        }),
    };
    Call {
        method: Method::PATCH,
        path: format!(
            "{events}/{}?fieldManager={MANAGER}",
            name.as_deref().unwrap_or_default()
        ),
        content: "application/merge-patch+json",
        body,
    }
}

/// Events of a node lie in the namespace `default`, as the kubelet's do.
fn whole(node: &str, waiting: &Waiting) -> Event {
    let note = &waiting.note;
    let object = match &note.object {
        troubles::Object::Node => ObjectReference {
            kind: Some("Node".to_owned()),
            name: Some(node.to_owned()),
            // The kubelet's way, which `kubectl describe node` knows: a node's uid is its name.
            uid: Some(node.to_owned()),
            ..ObjectReference::default()
        },
        troubles::Object::Pod(pod) => ObjectReference {
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
            name: Some(outbox::name(name, note)),
            ..ObjectMeta::default()
        },
        type_: Some(if note.warning { "Warning" } else { "Normal" }.to_owned()),
        reason: Some(note.reason.clone()),
        message: Some(note.message.clone()),
        count: Some(waiting.times),
        first_timestamp: Some(time(waiting.first)),
        last_timestamp: Some(time(waiting.last)),
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

impl Call {
    /// Sends it, and waits no longer than `most`.
    pub async fn send(&self, client: &Client, most: Duration) -> Answer {
        let request = Request::builder()
            .method(&self.method)
            .uri(&self.path)
            .header(header::CONTENT_TYPE, self.content)
            .header(header::ACCEPT, "application/json")
            .body(Body::from(self.body.to_string().into_bytes()));
        let request = match request {
            Ok(request) => request,
            // A name that no URL can hold.
            Err(error) => return Answer::Away(format!("{}: {error}", self.path)),
        };
        match tokio::time::timeout(most, exchange(client, request)).await {
            Ok(answer) => answer,
            Err(_) => Answer::Late,
        }
    }
}

async fn exchange(client: &Client, request: Request<Body>) -> Answer {
    let response = match client.send(request).await {
        Ok(response) => response,
        Err(error) => return Answer::Away(chain(&error)),
    };
    let (status, wait) = (response.status(), retry_after(&response));
    // The code says how it went; without the rest the worst is that a count begins anew.
    let body = Limited::new(response.into_body(), MOST_ANSWER).collect();
    let body = body.await.map(|b| b.to_bytes()).unwrap_or_default();
    if status.is_success() {
        return Answer::Done(serde_json::from_slice(&body).unwrap_or_default());
    }
    let document: Value = serde_json::from_slice(&body).unwrap_or_default();
    Answer::Refused {
        code: status.as_u16(),
        words: words(status, &document),
        wait,
    }
}

/// Seconds are all that the API server sends.
fn retry_after<B>(response: &Response<B>) -> Option<Duration> {
    let value = response.headers().get(header::RETRY_AFTER)?;
    let seconds = value.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn words(status: StatusCode, document: &Value) -> String {
    match document["message"].as_str() {
        Some(message) => format!("{message} ({})", status.as_u16()),
        None => status.to_string(),
    }
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
