//! The source that asks Prometheus, or what answers like it: a few queries for all nodes at once.
//!
//! ```text
//! QUERIES ─ POST /api/v1/query ─▶ Sample ─ Found::add ─▶ Found, one an instance ─ Found::summary ─▶ Row
//! nodes: the API server, else kube_node_info, else only those with series
//! ```

mod api;
mod found;
mod queries;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use nospace_core::amount::thousands;
use nospace_core::fleet::{Failure, FailureKind, Row};

use self::api::{Api, Sample};
use self::found::Found;
use self::queries::{Kind, queries};
use super::{Asked, Cluster, Collected, NodeInfo, Progress, Server, Source, nodes};
use crate::ui::number;

/// Queries at a time.
const AT_ONCE: usize = 2;

/// Asks Prometheus.
pub struct Prometheus<'c> {
    /// Where it is.
    pub server: &'c Server,
    /// The cluster, for the names of its nodes; or why it cannot be asked.
    pub cluster: Result<&'c Cluster, String>,
}

/// Instances by job and name.
type Instances = BTreeMap<(String, String), Found>;

impl Source for Prometheus<'_> {
    fn via(&self) -> String {
        format!("prometheus {}", self.server.url)
    }

    async fn collect(&self, asked: &Asked, progress: &Progress) -> anyhow::Result<Collected> {
        progress.say("asking Prometheus");
        let api = Api::new(self.server, asked.timeout)?;
        let mut notes = BTreeSet::new();
        let instances = instances(&api, self.server, &mut notes).await?;
        let (by_node, several) = by_node(instances);
        notes.extend(note_of(&several));
        progress.say("listing nodes");
        let (nodes, known_by) = self
            .nodes(&api, asked, progress, &by_node, &mut notes)
            .await?;
        // Of some nodes alone it is known that there are others.
        if known_by != KnownBy::Series && asked.is_of_all() {
            notes.extend(note_of_others(&nodes, &by_node));
        }
        let now = Timestamp::now();
        let rows = nodes
            .into_iter()
            .map(|(name, info)| row(name, info, &by_node, now))
            .collect();
        Ok(Collected {
            rows,
            may_lack_nodes: known_by == KnownBy::Series,
            notes: notes.into_iter().collect(),
        })
    }
}

/// What says which nodes there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KnownBy {
    ApiServer,
    /// kube-state-metrics.
    KubeNodeInfo,
    /// Only series of agents and an incomplete list, if any: a node without an agent may not be seen.
    Series,
}

impl Prometheus<'_> {
    /// The nodes that there are, and what says so.
    async fn nodes(
        &self,
        api: &Api,
        asked: &Asked,
        progress: &Progress,
        found: &BTreeMap<String, Found>,
        notes: &mut BTreeSet<String>,
    ) -> anyhow::Result<(BTreeMap<String, NodeInfo>, KnownBy)> {
        let why = match &self.cluster {
            Ok(cluster) => match nodes(cluster, asked, progress).await {
                Ok(nodes) => return Ok((nodes, KnownBy::ApiServer)),
                Err(error) => format!("{error:#}"),
            },
            Err(why) => why.clone(),
        };
        anyhow::ensure!(
            asked.selector.is_none() && asked.pools.is_empty(),
            "{why}; only the API server knows labels and pools of nodes"
        );
        let unknown = NodeInfo {
            pool: None,
            ready: None,
            created: None,
            other_system: None,
        };
        let matchers = self.server.matchers.as_deref().unwrap_or_default();
        let query = format!("group by (node) (kube_node_info{{{matchers}}})");
        let (samples, warnings) = api.query(&query).await?;
        let is_partial = !warnings.is_empty();
        notes.extend(warnings);
        let mut names: BTreeSet<String> = samples
            .into_iter()
            .filter_map(|mut sample| sample.metric.remove("node"))
            .collect();
        let (known_by, note) = match (names.is_empty(), is_partial) {
            (false, false) => (
                KnownBy::KubeNodeInfo,
                "Nodes are those that kube-state-metrics knows",
            ),
            (false, true) => (
                KnownBy::Series,
                "Nodes may be missing: Prometheus warned when it listed those that kube-state-metrics knows",
            ),
            (true, _) => (
                KnownBy::Series,
                "Only nodes with series are listed: one without an agent is not seen",
            ),
        };
        notes.insert(format!("{note}; the API server: {why}"));
        // A list of all nodes lacks those that have left the cluster: their series stay for a while.
        if known_by == KnownBy::Series {
            names.extend(found.keys().cloned());
        }
        let nodes = names.into_iter().map(|name| (name, unknown.clone()));
        Ok((nodes.collect(), known_by))
    }
}

async fn instances(
    api: &Api,
    server: &Server,
    notes: &mut BTreeSet<String>,
) -> anyhow::Result<Instances> {
    let matchers = server.matchers.as_deref().unwrap_or_default();
    let answers = stream::iter(queries(matchers))
        .map(|(kind, query)| async move { api.query(&query).await.map(|answer| (kind, answer)) })
        .buffer_unordered(AT_ONCE);
    let mut answers = std::pin::pin!(answers);
    let mut instances = Instances::new();
    while let Some((kind, (samples, warnings))) = answers.try_next().await? {
        notes.extend(warnings);
        for sample in samples {
            add(&mut instances, kind, sample);
        }
    }
    Ok(instances)
}

fn add(instances: &mut Instances, kind: Kind, mut sample: Sample) {
    let mut label = |name: &str| sample.metric.remove(name).unwrap_or_default();
    let key = (label("job"), label("instance"));
    instances.entry(key).or_default().add(kind, &sample);
}

/// By the node that they are of: what an agent says of itself, else the name that Prometheus has of it. With the nodes that several agents
/// report: of these the worst counts.
fn by_node(instances: Instances) -> (BTreeMap<String, Found>, BTreeSet<String>) {
    let mut all: BTreeMap<String, Found> = BTreeMap::new();
    let mut several = BTreeSet::new();
    for ((_, instance), found) in instances {
        let name = match found.node() {
            Some(node) => node.to_owned(),
            None if found.is_down() => instance,
            None => continue,
        };
        let Some(other) = all.get(&name) else {
            all.insert(name, found);
            continue;
        };
        if found.is_fresh() && other.is_fresh() {
            several.insert(name.clone());
        }
        if found.counts_before(other) {
            all.insert(name, found);
        }
    }
    (all, several)
}

fn note_of(several: &BTreeSet<String>) -> Option<String> {
    let nodes = number::count(several.len() as u64, "node has", "nodes have");
    several.first().map(|first| format!(
        "{nodes} series of more than one agent ({first} for example): the worst of them counts. An agent that was replaced leaves some for five minutes; \
         where Prometheus has several clusters, --prometheus-match selects one"
    ))
}

/// Nodes with series that are not among those of the cluster: another cluster may have nodes of the same names.
fn note_of_others(
    nodes: &BTreeMap<String, NodeInfo>,
    found: &BTreeMap<String, Found>,
) -> Option<String> {
    let (with, others): (Vec<_>, Vec<_>) = found
        .iter()
        .filter(|(_, found)| found.node().is_some())
        .map(|(name, _)| name.as_str())
        .partition(|name| nodes.contains_key(*name));
    let first = others.first()?;
    let not_of = match others.len() {
        1 => "1 node that is",
        _ => &format!("{} nodes that are", thousands(others.len() as u64)),
    };
    Some(match (with.is_empty(), nodes.len()) {
        (true, 1..) => format!(
            "Prometheus has no series of this cluster's nodes, but of {not_of} not among them ({first} for example): is it the Prometheus of another cluster?"
        ),
        _ => format!(
            "Prometheus has series of {not_of} not in this cluster ({first} for example), and no row here: they have left it, or are of another cluster, \
             whose nodes may have the same names. --prometheus-match selects one"
        ),
    })
}

fn row(name: String, info: NodeInfo, found: &BTreeMap<String, Found>, now: Timestamp) -> Row {
    let found = found.get(&name);
    let answer = found.and_then(|found| found.summary(now));
    let answer = answer.ok_or_else(|| match found {
        Some(_) => Failure::new(
            FailureKind::AgentDown,
            "Prometheus cannot scrape it (up is 0)",
        ),
        None => Failure::new(
            FailureKind::NoAgent,
            "Prometheus has no series of it from the last five minutes",
        ),
    });
    info.row(name, answer)
}
