//! All nodes of a Kubernetes cluster at once.
//!
//! ```text
//! Target ─▶ Cluster (client) ─┐
//! Asked ──────────────────────┴─ Source (agents | prometheus | debug) ─▶ Collected: rows ─ fleet::conclude ─▶ Fleet
//! ```
//!
//! A [`Source`] is one file. All that use the Kubernetes API do it by [`Cluster`], which sends at most [`MAX_REQUESTS`] requests at once,
//! reads lists page by page, retries with jitter what the server asks to retry, and bounds every answer.

pub mod agents;
mod client;
pub mod debug;
mod error;
mod nodes;
mod one_agent;
mod pods;
mod progress;
pub mod prometheus;
mod server;
mod target;

use std::time::{Duration, Instant};

use anyhow::Context as _;
use nospace_core::fleet::{Failure, FailureKind, Pool, Row, Summary};
use tokio::runtime::{Builder, Runtime};

pub use client::{Answer, Cluster, MAX_REQUESTS, Payload, Request};
pub use error::{RequestError, Right};
pub use nodes::{NodeInfo, nodes, ready_first};
pub use one_agent::{AgentAnswer, RECORDING, ask, recording};
pub use progress::Progress;
pub use server::{Server, address};
pub use target::Target;

/// What requests run on: this thread.
///
/// # Errors
///
/// The kernel gives it no epoll instance.
pub fn runtime() -> anyhow::Result<Runtime> {
    let mut builder = Builder::new_current_thread();
    let runtime = builder.enable_all().build();
    runtime.context("cannot start the async runtime")
}

/// What is to be collected.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Only the node of this name.
    pub node: Option<String>,
    /// Only nodes that this label selector selects.
    pub selector: Option<String>,
    /// Only nodes of these pools; of all where there are none.
    pub pools: Vec<String>,
    /// The label that names a node's pool; `None` for the well-known ones.
    pub pool_label: Option<String>,
    /// No request takes longer.
    pub timeout: Duration,
}

impl Asked {
    /// Whether no node is left out.
    #[must_use]
    pub fn is_of_all(&self) -> bool {
        self.node.is_none() && self.selector.is_none() && self.pools.is_empty()
    }

    /// The same of this node alone.
    #[must_use]
    pub fn of_node(&self, node: &str) -> Self {
        Self {
            node: Some(node.to_owned()),
            ..self.clone()
        }
    }

    /// Whether nodes of this pool are asked for.
    #[must_use]
    pub fn wants(&self, pool: Option<&Pool>) -> bool {
        let is_named = |pool: &Pool| self.pools.contains(&pool.name);
        self.pools.is_empty() || pool.is_some_and(is_named)
    }
}

/// What a source has collected.
#[derive(Clone, Debug, Default)]
pub struct Collected {
    /// A row a node, in no order.
    pub rows: Vec<Row>,
    /// There may be nodes without a row.
    pub may_lack_nodes: bool,
    /// What else to know, in words.
    pub notes: Vec<String>,
}

/// A row, and when it came: the first of a large fleet have aged when the last comes.
struct Arrived {
    row: Row,
    at: Instant,
}

impl Arrived {
    fn now(row: Row) -> Self {
        let at = Instant::now();
        Self { row, at }
    }

    /// As it is now.
    fn row(self) -> Row {
        self.row.later(self.at.elapsed().as_secs())
    }
}

/// Reads what a node says of itself.
fn read_summary(text: &[u8]) -> Result<Summary, Failure> {
    Summary::read(text).map_err(|error| Failure::new(FailureKind::Garbage, error.to_string()))
}

/// Where answers of nodes come from.
pub trait Source {
    /// How it is called in documents: `agents`, `debug`, `prometheus` with its address.
    fn via(&self) -> String;

    /// A row for each node that was asked for: with its answer, or with why there is none.
    ///
    /// # Errors
    ///
    /// It is not known which nodes there are. A node that does not answer is a row, and no error.
    fn collect(
        &self,
        asked: &Asked,
        progress: &Progress,
    ) -> impl Future<Output = anyhow::Result<Collected>>;
}
