use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use nospace_core::fleet::{Answer, Failure, FailureKind, Pool, Row, Summary};
use serde::Deserialize;

use super::Asked;
use super::client::{Cluster, Request, escaped};
use super::error::{RequestError, Right};
use super::progress::Progress;

/// Bytes of one node.
const NODE_BYTES: usize = 4 << 20;
/// Pools named in a message.
const NAMED_POOLS: usize = 20;
/// Both an age and the time of creation are in whole seconds, and an answer takes a moment.
const TOLERANCE: i64 = 5;
const OF_ANOTHER: &str = "the only answer is from before this node was created, perhaps from a node of the same name that it replaced";
/// The label that has a node's operating system.
pub const SYSTEM_LABEL: &str = "kubernetes.io/os";

/// What is needed of a node of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeInfo {
    /// Its pool, where a label names one.
    pub pool: Option<Pool>,
    /// Its condition `Ready`; `None` where it has none.
    pub ready: Option<bool>,
    /// When it was created, by the clock of this machine; `None` where that is not known.
    pub created: Option<Timestamp>,
    /// Its operating system, where that is another than Linux.
    pub other_system: Option<String>,
}

impl NodeInfo {
    /// The row of this node: with what it says and how many seconds old that is, or with why it says nothing.
    pub fn row(self, name: String, answer: Result<(Option<u64>, Summary), Failure>) -> Row {
        let answer = answer.and_then(|(age, summary)| match self.is_younger_than(age) {
            true => Err(Failure::new(FailureKind::Starting, OF_ANOTHER)),
            false => Ok((age, summary)),
        });
        let (age, answer) = match answer {
            Ok((age, summary)) => (age, Answer::Summary(Box::new(summary))),
            Err(failure) => (None, Answer::Failure(failure)),
        };
        Row::new(name, self.pool, self.ready, age, answer)
    }

    /// A check that is so old was of another node of the name, which this one has replaced.
    fn is_younger_than(&self, seconds: Option<u64>) -> bool {
        let since = |created: Timestamp| Timestamp::now().duration_since(created).as_secs();
        let exists = self.created.map(since);
        let checked = seconds.map(|seconds| i64::try_from(seconds).unwrap_or(i64::MAX));
        exists
            .zip(checked)
            .is_some_and(|(exists, checked)| checked > exists.saturating_add(TOLERANCE))
    }
}

/// The part of the object that is read.
#[derive(Deserialize)]
struct Node {
    metadata: Metadata,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    creation_timestamp: Option<String>,
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
/// They cannot be listed, or there is no node of the name or of a pool that was asked for; the error says what to do.
pub async fn nodes(
    cluster: &Cluster,
    asked: &Asked,
    progress: &Progress,
) -> anyhow::Result<BTreeMap<String, NodeInfo>> {
    let pools = RefCell::new(BTreeSet::new());
    let keep = |node: Node| {
        let info = info(cluster, &node, asked);
        pools
            .borrow_mut()
            .extend(info.pool.as_ref().map(|pool| pool.name.clone()));
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
    let listed = listed.map_err(|error| {
        anyhow::anyhow!(
            "cannot list the nodes of the API server {}: {}",
            cluster.url,
            error.explain(Right::LIST_NODES)
        )
    })?;
    let pools = pools.into_inner();
    // Else the others would pass for all that were asked for.
    if let Some(absent) = asked.pools.iter().find(|pool| !pools.contains(*pool)) {
        let known: Vec<String> = pools.into_iter().take(NAMED_POOLS).collect();
        let known = match known[..] {
            [] => "no node has a pool (--pool-label names the label)".to_owned(),
            _ => format!("there are: {}", known.join(", ")),
        };
        bail!("no node is in pool {absent:?}; {known}");
    }
    Ok(listed)
}

/// The nodes that were asked for. Those that may take long, since they are not ready, come last: they hold up nobody.
///
/// # Errors
///
/// Those of [`nodes`].
pub async fn ready_first(
    cluster: &Cluster,
    asked: &Asked,
    progress: &Progress,
) -> anyhow::Result<Vec<(String, NodeInfo)>> {
    progress.say("listing nodes");
    let nodes = nodes(cluster, asked, progress).await?;
    let mut nodes: Vec<_> = nodes.into_iter().collect();
    nodes.sort_by_key(|(_, node)| node.ready == Some(false));
    Ok(nodes)
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

fn info(cluster: &Cluster, node: &Node, asked: &Asked) -> NodeInfo {
    let mut conditions = node.status.conditions.iter();
    let ready = conditions.find(|condition| condition.kind == "Ready");
    let created = node.metadata.creation_timestamp.as_deref();
    NodeInfo {
        created: created.and_then(|time| Some(cluster.here(time.parse().ok()?))),
        pool: Pool::of(&node.metadata.labels, asked.pool_label.as_deref()),
        ready: ready.map(|ready| ready.status == "True"),
        other_system: node
            .metadata
            .labels
            .get(SYSTEM_LABEL)
            .filter(|system| *system != "linux")
            .cloned(),
    }
}
