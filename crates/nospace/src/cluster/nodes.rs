use std::collections::BTreeMap;

use nospace_core::fleet::Pool;
use serde::Deserialize;

use super::Asked;
use super::client::{Cluster, Request, escaped};
use super::error::{RequestError, Right};
use super::progress::Progress;

/// Bytes of one node.
const NODE_BYTES: usize = 4 << 20;

/// What is needed of a node of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeInfo {
    /// Its pool, where a label names one.
    pub pool: Option<Pool>,
    /// Its condition `Ready`; `None` where it has none.
    pub ready: Option<bool>,
}

/// The part of the object that is read.
#[derive(Deserialize)]
struct Node {
    metadata: Metadata,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
struct Status {
    #[serde(default)]
    conditions: Vec<Condition>,
}

#[derive(Deserialize)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
}

/// The nodes that were asked for, by name.
///
/// # Errors
///
/// They cannot be listed, or there is no node of the name that was asked for; the error says what to do.
pub async fn nodes(
    cluster: &Cluster,
    asked: &Asked,
    progress: &Progress,
) -> anyhow::Result<BTreeMap<String, NodeInfo>> {
    let keep = |node: Node| {
        let info = info(&node, asked);
        asked
            .wants(info.pool.as_ref())
            .then_some((node.metadata.name, info))
    };
    if let Some(name) = &asked.node {
        let path = format!("/api/v1/nodes/{}", escaped(name));
        let request = Request {
            path: &path,
            headers: &[],
            timeout: asked.timeout,
            most: NODE_BYTES,
        };
        let failed = |error: RequestError| match error {
            RequestError::Status { code: 404, .. } => {
                anyhow::anyhow!("there is no node {name:?}; nospace cluster lists all")
            }
            error => anyhow::anyhow!(
                "cannot read node {name}: {}",
                error.explain(Right::GET_NODE)
            ),
        };
        let answer = cluster.get(request).await.map_err(failed)?;
        let node = serde_json::from_slice(&answer.body)?;
        return Ok(keep(node).into_iter().collect());
    }
    let selector = asked.selector.as_deref();
    let query: Vec<_> = selector.map(|s| ("labelSelector", s)).into_iter().collect();
    let listed = cluster
        .list("/api/v1/nodes", &query, keep, |n| {
            progress.say(&format!("{n} nodes"))
        })
        .await;
    listed
        .map_err(|error| anyhow::anyhow!("cannot list nodes: {}", error.explain(Right::LIST_NODES)))
}

fn info(node: &Node, asked: &Asked) -> NodeInfo {
    let mut conditions = node.status.conditions.iter();
    let ready = conditions.find(|condition| condition.kind == "Ready");
    NodeInfo {
        pool: Pool::of(&node.metadata.labels, asked.pool_label.as_deref()),
        ready: ready.map(|ready| ready.status == "True"),
    }
}
