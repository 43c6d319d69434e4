//! The source that asks each node's agent, through the API server's pod proxy.
//!
//! ```text
//! nodes, pods of agents ─▶ one agent a node ─ GET pods/POD:PORT/proxy/api/v1/summary ─▶ Summary ─▶ Row
//! ```

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use nospace_core::amount::duration;
use nospace_core::fleet::{Answer, Failure, FailureKind, READ_BYTES, Row, STALE_SECONDS};
use nospace_core::report::{Report, SCHEMA_VERSION};
use serde::Deserialize;

use super::client::{Answer as Answered, Cluster, MAX_REQUESTS, Request};
use super::error::{RequestError, Right};
use super::nodes::{NodeInfo, SYSTEM_LABEL, all_names, is_node, nodes, ready_first};
use super::pods::{AgentPod, agent_pods};
use super::progress::Progress;
use super::{Arrived, Asked, Collected, Source, read_summary};
use crate::agent::{ASKS_FOR_TOKEN, CLIENT_HEADER, STARTING};

/// An agent of a node that is not ready answers at once, or never.
const NOT_READY_TIMEOUT: Duration = Duration::from_secs(2);
/// If the first answers, this many of them, are all 403, the other nodes are not asked.
const FORBIDDEN: usize = 8;
/// Bytes of a report; one of a thousand pods has less than two million.
pub(super) const REPORT_BYTES: usize = 64 << 20;

/// Asks agents.
pub struct Agents<'c> {
    /// The cluster.
    pub cluster: &'c Cluster,
    /// Namespace of the agents. Anyone who can create pods there can answer for a node.
    pub namespace: String,
    /// Label selector of their pods.
    pub selector: String,
}

impl Source for Agents<'_> {
    fn via(&self) -> String {
        "agents".to_owned()
    }

    async fn collect(&self, asked: &Asked, progress: &Progress) -> anyhow::Result<Collected> {
        let nodes = ready_first(self.cluster, asked, progress).await?;
        progress.say("listing agents");
        let agents = self.pods(asked, progress).await?;
        let mut notes = Vec::new();
        if agents.is_empty() {
            notes.push(format!(
                "No pod in namespace {} has the labels {}: -n NAMESPACE says where the agents are",
                self.namespace, self.selector
            ));
        }
        progress.expect(nodes.len());
        let tally = Tally::default();
        let names: HashSet<String> = nodes.iter().map(|(name, _)| name.clone()).collect();
        let rows: Vec<Arrived> = stream::iter(nodes)
            .map(|(name, node)| {
                let row = self.row(name, node, &agents, asked, &tally);
                async {
                    let row = Arrived::now(row.await);
                    progress.advance();
                    row
                }
            })
            .buffer_unordered(MAX_REQUESTS)
            .collect()
            .await;
        let rows: Vec<Row> = rows.into_iter().map(Arrived::row).collect();
        let others = match asked.is_of_all() || rows.iter().all(|row| is_known(row, &names)) {
            true => Ok(names),
            false => all_names(self.cluster, asked, progress).await,
        };
        let shared = shared_names(&rows);
        let rows = rows
            .into_iter()
            .map(|row| of_its_own(row, &others, &shared))
            .collect();
        Ok(Collected {
            rows,
            may_lack_nodes: false,
            notes,
        })
    }
}

/// Answers so far.
#[derive(Default)]
struct Tally {
    forbidden: AtomicUsize,
    others: AtomicUsize,
}

impl Tally {
    fn all_forbidden(&self) -> bool {
        self.forbidden.load(Ordering::Relaxed) >= FORBIDDEN
            && self.others.load(Ordering::Relaxed) == 0
    }

    fn count(&self, failure: Option<FailureKind>) {
        match failure {
            Some(FailureKind::Forbidden) => &self.forbidden,
            _ => &self.others,
        }
        .fetch_add(1, Ordering::Relaxed);
    }
}

impl Agents<'_> {
    /// The whole report of the agent of one node.
    ///
    /// # Errors
    ///
    /// There is no such node, it has no agent, or that does not answer; the error says why.
    pub async fn report(&self, node: &str, asked: &Asked) -> anyhow::Result<Report> {
        let progress = Progress::hidden();
        let asked = asked.of_node(node);
        let info = nodes(self.cluster, &asked, &progress).await?;
        let ready = info.get(node).and_then(|info| info.ready);
        let agents = self.pods(&asked, &progress).await?;
        let agent = running(agents.get(node)).map_err(anyhow::Error::msg)?;
        let answer = self.ask(agent, "/api/v1/report", asked.timeout, REPORT_BYTES);
        let answer = answer.await;
        let answer = answer.map_err(|error| anyhow::Error::msg(failure(&error, ready)))?;
        let report = read_report(&answer.body)?;
        let said = report.node.name.to_ascii_lowercase();
        if said != node {
            let exists = is_node(self.cluster, &said, asked.timeout).await;
            let others = exists.map(|exists| exists.then(|| said.clone()).into_iter().collect());
            if let Err(why) = is_own(&said, &others) {
                anyhow::bail!("the agent of node {node} gave no answer of its own: {why}");
            }
        }
        if answer.age.is_none_or(|age| age > STALE_SECONDS) {
            let when = answer.age.map_or_else(
                || "at an unknown time".to_owned(),
                |age| format!("{} ago", duration(Duration::from_secs(age))),
            );
            let why = format!(
                "the agent of node {node} last checked it {when}, and that may no longer hold: its log shows what it is waiting for, and --via debug checks the node now"
            );
            anyhow::ensure!(!report.status().is_well(), "{why}");
            crate::ui::warn(&why);
        }
        Ok(report)
    }

    /// The pods of agents by node.
    async fn pods(
        &self,
        asked: &Asked,
        progress: &Progress,
    ) -> anyhow::Result<BTreeMap<String, AgentPod>> {
        let pods = agent_pods(
            self.cluster,
            &self.namespace,
            &self.selector,
            asked.node.as_deref(),
            |n| progress.say(&format!("{n} agents")),
        );
        pods.await.map_err(|error| {
            anyhow::anyhow!(
                "cannot list the agents' pods in namespace {}: {}",
                self.namespace,
                error.explain(Right::LIST_PODS)
            )
        })
    }

    async fn row(
        &self,
        name: String,
        node: NodeInfo,
        agents: &BTreeMap<String, AgentPod>,
        asked: &Asked,
        tally: &Tally,
    ) -> Row {
        let limit = match node.ready {
            Some(false) => asked.timeout.min(NOT_READY_TIMEOUT),
            _ => asked.timeout,
        };
        let answer = match running(agents.get(&name)) {
            Err(failure) => Err(of_other_system(failure, &node)),
            Ok(_) if tally.all_forbidden() => Err(Failure::new(
                FailureKind::Forbidden,
                format!(
                    "not asked, since all other requests were forbidden. Add this rule to your role: {}",
                    Right::PROXY_PODS
                ),
            )),
            Ok(agent) => {
                let answer = self.ask(agent, "/api/v1/summary", limit, READ_BYTES).await;
                // Without the header the clocks of the node and of this machine would have to agree.
                let answer = answer
                    .map_err(|error| failure(&error, node.ready))
                    .and_then(|answer| Ok((answer.age, read_summary(&answer.body)?)));
                tally.count(answer.as_ref().err().map(|failure| failure.kind));
                answer
            }
        };
        node.row(name, answer)
    }

    async fn ask(
        &self,
        agent: &AgentPod,
        path: &str,
        timeout: Duration,
        most: usize,
    ) -> Result<Answered, RequestError> {
        let path = agent.proxy_path(&self.namespace, path);
        self.cluster
            .get(Request {
                path: &path,
                headers: &[(CLIENT_HEADER, "cluster")],
                timeout,
                most,
            })
            .await
    }
}

/// The name in a row's answer, where that is not the node's.
fn other_name(row: &Row) -> Option<String> {
    let name = row.summary()?.node.to_ascii_lowercase();
    (name != row.node).then_some(name)
}

/// Whether the answer of a row has the name of its node, or of one of these.
fn is_known(row: &Row, names: &HashSet<String>) -> bool {
    other_name(row).is_none_or(|name| names.contains(&name))
}

/// Whether an answer of this name, which is not the node's, may be its own: the address of a pod that is no more may be another agent's
/// now. A name that no node has is that of the machine.
fn is_own(name: &str, nodes: &anyhow::Result<HashSet<String>>) -> Result<(), String> {
    match nodes {
        Ok(names) if names.contains(name) => Err(format!("it is the answer of node {name}")),
        Ok(_) => Ok(()),
        Err(error) => Err(format!(
            "it may be the answer of another node: it calls itself {name}, and whether there is such a node is not known: {error:#}"
        )),
    }
}

/// Names that several rows have in their answers beside those of their nodes, and how many rows that are.
fn shared_names(rows: &[Row]) -> BTreeMap<String, usize> {
    let mut names = BTreeMap::new();
    for name in rows.iter().filter_map(other_name) {
        *names.entry(name).or_default() += 1;
    }
    names.retain(|_, rows| *rows > 1);
    names
}

/// A row, unless its answer is that of another node, or may be.
fn of_its_own(
    row: Row,
    nodes: &anyhow::Result<HashSet<String>>,
    shared: &BTreeMap<String, usize>,
) -> Row {
    let said = other_name(&row).map_or(Ok(()), |name| {
        is_own(&name, nodes)?;
        match shared.get(&name) {
            Some(rows) => Err(format!(
                "it may be the answer of another node: {rows} nodes answer as {name}. Give the agents the names of their nodes (NODE_NAME, as the chart does)"
            )),
            None => Ok(()),
        }
    });
    match said {
        Ok(()) => row,
        Err(why) => {
            let failure = Failure::new(FailureKind::Garbage, why);
            Row::new(
                row.node,
                row.pool,
                row.ready,
                None,
                Answer::Failure(failure),
            )
        }
    }
}

/// The report that a nospace of the same schema has written.
///
/// # Errors
///
/// It is none, or of another version.
pub(super) fn read_report(document: &[u8]) -> anyhow::Result<Report> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Version {
        schema_version: u32,
    }
    // One of another version need not have the fields of this one.
    if let Ok(Version { schema_version }) = serde_json::from_slice(document) {
        anyhow::ensure!(
            schema_version == SCHEMA_VERSION,
            "the report has schema version {schema_version}, and this nospace reads {SCHEMA_VERSION}"
        );
    }
    serde_json::from_slice(document)
        .map_err(|error| anyhow::anyhow!("the answer is not a report of nospace: {error}"))
}

/// The agent, if it can be asked.
fn running(agent: Option<&AgentPod>) -> Result<&AgentPod, Failure> {
    let agent = agent.ok_or_else(|| Failure::new(FailureKind::NoAgent, ""))?;
    match &agent.down {
        Some(why) => Err(Failure::new(
            FailureKind::AgentDown,
            format!("pod {}: {why}", agent.pod),
        )),
        None => Ok(agent),
    }
}

/// Why a node has no agent, where that is not for Linux.
fn of_other_system(failure: Failure, node: &NodeInfo) -> Failure {
    match (&node.other_system, failure.kind) {
        (Some(system), FailureKind::NoAgent) => Failure::new(
            FailureKind::NoAgent,
            format!("it runs {system}: -l {SYSTEM_LABEL}=linux leaves out such nodes"),
        ),
        _ => failure,
    }
}

/// What an error of the agent, or on the way to it, means for its node.
fn failure(error: &RequestError, ready: Option<bool>) -> Failure {
    let (kind, why) = match error {
        RequestError::Timeout if ready == Some(false) => (FailureKind::NotReady, "timeout".into()),
        RequestError::Timeout => (FailureKind::Timeout, String::new()),
        RequestError::TooLong(_) => (FailureKind::Garbage, error.to_string()),
        RequestError::Status {
            code,
            message,
            by_server,
        } => of_status(error, *code, message, *by_server),
        RequestError::Unreachable(_) | RequestError::BrokenOff(_) => {
            (FailureKind::Unreachable, error.to_string())
        }
    };
    let kind = match kind {
        FailureKind::Unreachable if ready == Some(false) => FailureKind::NotReady,
        kind => kind,
    };
    Failure::new(kind, why)
}

fn of_status(
    error: &RequestError,
    code: u16,
    message: &str,
    by_server: bool,
) -> (FailureKind, String) {
    match (code, by_server) {
        (401 | 403, true) => (FailureKind::Forbidden, error.explain(Right::PROXY_PODS)),
        (404, true) => (FailureKind::AgentDown, "its pod is gone".to_owned()),
        (401, false) if message.starts_with(ASKS_FOR_TOKEN) => (
            FailureKind::Refused,
            "it asks for a token, and the API server passes none on: use --via prometheus=URL or --via debug (docs/cluster.md, \"Agents that ask for a token\")".to_owned(),
        ),
        (421, false) => (
            FailureKind::TooOld,
            "it does not answer to the API server's host name: update it, or add the name to its --allowed-hosts".to_owned(),
        ),
        (404, false) => (
            FailureKind::TooOld,
            "it has no /api/v1/summary: update it".to_owned(),
        ),
        (503, false) if message == STARTING.trim_end() => (FailureKind::Starting, String::new()),
        (_, true) => (FailureKind::Unreachable, error.to_string()),
        (_, false) => (
            FailureKind::Unreachable,
            format!("{error}; neither the API server nor an agent answers like this: a sidecar, or another proxy?"),
        ),
    }
}
