use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::Deserialize;

use super::client::{Cluster, escaped};
use super::error::RequestError;

/// Where an agent listens, unless its pod says another port.
const DEFAULT_PORT: u16 = 9409;

/// The pod of a node's agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentPod {
    /// Name.
    pub pod: String,
    /// Why it cannot be asked; `None` where it can.
    pub down: Option<String>,
    port: u16,
    tls: bool,
    ready: bool,
    leaving: bool,
    created: String,
}

/// The part of the object that is read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pod {
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    #[serde(default)]
    creation_timestamp: String,
    deletion_timestamp: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    node_name: Option<String>,
    #[serde(default)]
    containers: Vec<Container>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    #[serde(default)]
    ports: Vec<Port>,
    readiness_probe: Option<Probe>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Port {
    #[serde(default)]
    name: String,
    container_port: u16,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Probe {
    http_get: Option<HttpGet>,
}

#[derive(Deserialize)]
struct HttpGet {
    #[serde(default)]
    scheme: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    #[serde(default)]
    phase: String,
    #[serde(default)]
    conditions: Vec<Condition>,
    #[serde(default)]
    container_statuses: Vec<ContainerStatus>,
}

#[derive(Deserialize)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
}

#[derive(Deserialize)]
struct ContainerStatus {
    #[serde(default)]
    state: State,
}

#[derive(Default, Deserialize)]
struct State {
    waiting: Option<Waiting>,
}

#[derive(Deserialize)]
struct Waiting {
    #[serde(default)]
    reason: String,
}

/// The agents of a namespace by the node that they run on. Where two are on a node, during an update for example, the one that is ready
/// counts, else the newer one.
///
/// # Errors
///
/// The pods cannot be listed.
pub async fn agent_pods(
    cluster: &Cluster,
    namespace: &str,
    selector: &str,
    node: Option<&str>,
    each: impl FnMut(usize),
) -> Result<BTreeMap<String, AgentPod>, RequestError> {
    let path = format!("/api/v1/namespaces/{}/pods", escaped(namespace));
    let field = node.map(|node| format!("spec.nodeName={node}"));
    let mut query = vec![("labelSelector", selector)];
    query.extend(field.as_deref().map(|field| ("fieldSelector", field)));
    let keep = |pod: Pod| Some((pod.metadata.name.clone(), read(pod)?));
    let pods = cluster.list(&path, &query, keep, each).await?;
    let mut by: BTreeMap<String, AgentPod> = BTreeMap::new();
    for (node, pod) in pods.into_values() {
        match by.entry(node) {
            Entry::Vacant(free) => drop(free.insert(pod)),
            Entry::Occupied(mut taken) => {
                if pod.rank() > taken.get().rank() {
                    taken.insert(pod);
                }
            }
        }
    }
    Ok(by)
}

/// The node and its agent; `None` where the pod has no node.
fn read(pod: Pod) -> Option<(String, AgentPod)> {
    let node = pod.spec.node_name.filter(|node| !node.is_empty())?;
    let containers = &pod.spec.containers;
    let mut ports = containers.iter().flat_map(|c| &c.ports);
    let port = ports.find(|port| port.name == "metrics");
    let tls = containers
        .iter()
        .filter_map(|c| c.readiness_probe.as_ref()?.http_get.as_ref())
        .any(|get| get.scheme.eq_ignore_ascii_case("https"));
    let mut conditions = pod.status.conditions.iter();
    let ready = conditions.any(|one| one.kind == "Ready" && one.status == "True");
    let waiting = pod.status.container_statuses.iter();
    let waiting = waiting.filter_map(|status| status.state.waiting.as_ref());
    let waiting = waiting.map(|waiting| waiting.reason.as_str()).next();
    let down = match (pod.status.phase.as_str(), waiting) {
        (_, Some(reason)) => Some(reason.to_owned()),
        ("Running", None) => None,
        ("", None) => Some("its state is not known".to_owned()),
        (phase, None) => Some(phase.to_owned()),
    };
    Some((
        node,
        AgentPod {
            pod: pod.metadata.name,
            down,
            port: port.map_or(DEFAULT_PORT, |port| port.container_port),
            tls,
            ready,
            leaving: pod.metadata.deletion_timestamp.is_some(),
            created: pod.metadata.creation_timestamp,
        },
    ))
}

impl AgentPod {
    fn rank(&self) -> (bool, bool, bool, &str) {
        (
            self.down.is_none(),
            !self.leaving,
            self.ready,
            self.created.as_str(),
        )
    }

    /// Where the API server's proxy leads to `path` of this agent.
    #[must_use]
    pub fn proxy_path(&self, namespace: &str, path: &str) -> String {
        let scheme = if self.tls { "https:" } else { "" };
        format!(
            "/api/v1/namespaces/{}/pods/{scheme}{}:{}/proxy{path}",
            escaped(namespace),
            escaped(&self.pod),
            self.port
        )
    }
}
