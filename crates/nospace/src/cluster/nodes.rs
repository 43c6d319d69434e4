use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use anyhow::Context as _;
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
        let node = read(cluster, name, asked.timeout).await?;
        let node =
            node.with_context(|| format!("there is no node {name:?}; nospace cluster lists all"))?;
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

/// A node, if there is one of this name.
async fn read(cluster: &Cluster, name: &str, timeout: Duration) -> anyhow::Result<Option<Node>> {
    let path = format!("/api/v1/nodes/{}", escaped(name));
    let request = Request {
        path: &path,
        headers: &[],
        timeout,
        most: NODE_BYTES,
    };
    match cluster.get(request).await {
        Ok(answer) => Ok(Some(serde_json::from_slice(&answer.body)?)),
        Err(RequestError::Status { code: 404, .. }) => Ok(None),
        Err(error) => Err(anyhow::anyhow!(
            "cannot read node {name}: {}",
            error.explain(Right::GET_NODE)
        )),
    }
}

/// Whether the cluster has a node of this name.
///
/// # Errors
///
/// It cannot be read.
pub async fn is_node(cluster: &Cluster, name: &str, timeout: Duration) -> anyhow::Result<bool> {
    Ok(read(cluster, name, timeout).await?.is_some())
}

/// The names of all nodes of the cluster, also of those that were not asked for.
///
/// # Errors
///
/// They cannot be listed.
pub async fn all_names(
    cluster: &Cluster,
    asked: &Asked,
    progress: &Progress,
) -> anyhow::Result<HashSet<String>> {
    let all = Asked {
        node: None,
        selector: None,
        pools: Vec::new(),
        ..asked.clone()
    };
    Ok(nodes(cluster, &all, progress).await?.into_keys().collect())
}

fn info(node: &Node, asked: &Asked) -> NodeInfo {
    let mut conditions = node.status.conditions.iter();
    let ready = conditions.find(|condition| condition.kind == "Ready");
    NodeInfo {
        pool: Pool::of(&node.metadata.labels, asked.pool_label.as_deref()),
        ready: ready.map(|ready| ready.status == "True"),
    }
}
