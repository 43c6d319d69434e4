use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Pool, Summary};
use crate::report::Status;

/// An answer that is older than this says nothing of now: OK becomes unknown, and no sum and no finding of several nodes rests on it.
pub const STALE_SECONDS: u64 = 15 * 60;

/// One node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Name in the Kubernetes API, or where there is none, what the source calls it.
    pub node: String,
    /// Its pool; null where no label names one.
    pub pool: Option<Pool>,
    /// Its condition `Ready`; null where the source does not say.
    pub ready: Option<bool>,
    /// Its state: the answer, but unknown where that is missing, or OK and too old.
    pub state: Status,
    /// Seconds since the node was checked; null without an answer, or where that does not say.
    pub age_seconds: Option<u64>,
    /// The node answered, and was checked within 15 minutes. Sums, and findings of several nodes, rest on such answers alone.
    #[serde(default)]
    pub current: bool,
    /// What the node says, or why it says nothing.
    #[serde(flatten)]
    pub answer: Answer,
}

/// What a node says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// Its summary.
    Summary(Box<Summary>),
    /// Nothing, for this reason.
    Failure(Failure),
}

/// Why a node says nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// What kind of reason.
    pub kind: FailureKind,
    /// The reason in words, with what to do about it.
    pub why: String,
}

/// Reasons.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum FailureKind {
    /// The node has no agent, or the source no data of it.
    NoAgent,
    /// There is an agent's pod, and it does not run.
    AgentDown,
    /// The agent has not collected yet.
    Starting,
    /// The node is not ready, and did not answer.
    NotReady,
    /// No answer in time.
    Timeout,
    /// A right is missing.
    Forbidden,
    /// The agent asks for a token, or does not answer to this host name.
    Refused,
    /// The connection failed, or the server gave an error.
    Unreachable,
    /// The answer is not a summary.
    Garbage,
    /// The agent is too old to give one.
    TooOld,
    /// The pod that was to check the node did not run, or failed.
    Pod,
}

impl FailureKind {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::NoAgent => "no agent",
            Self::AgentDown => "agent not running",
            Self::Starting => "agent starting",
            Self::NotReady => "not ready",
            Self::Timeout => "timeout",
            Self::Forbidden => "forbidden",
            Self::Refused => "refused by the agent",
            Self::Unreachable => "unreachable",
            Self::Garbage => "invalid answer",
            Self::TooOld => "agent too old",
            Self::Pod => "the pod failed",
        }
    }
}

impl Failure {
    /// Of this kind.
    pub fn new(kind: FailureKind, why: impl Into<String>) -> Self {
        Self {
            kind,
            why: why.into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.why.as_str() {
            "" => f.write_str(self.kind.words()),
            why => write!(f, "{}: {why}", self.kind.words()),
        }
    }
}

impl Row {
    /// A node with its answer, which is `age_seconds` old.
    #[must_use]
    pub fn new(
        node: String,
        pool: Option<Pool>,
        ready: Option<bool>,
        age_seconds: Option<u64>,
        answer: Answer,
    ) -> Self {
        let age_seconds = age_seconds.filter(|_| matches!(answer, Answer::Summary(_)));
        let current = age_seconds.is_some_and(|age| age <= STALE_SECONDS);
        let state = match &answer {
            Answer::Failure(_) => Status::Unknown,
            Answer::Summary(summary) => match summary.state() {
                Status::Ok(_) if !current => Status::Unknown,
                state => state,
            },
        };
        Self {
            node,
            pool,
            ready,
            state,
            age_seconds,
            current,
            answer,
        }
    }

    /// This row, `seconds` later.
    #[must_use]
    pub fn later(self, seconds: u64) -> Self {
        let age = self.age_seconds.map(|age| age.saturating_add(seconds));
        Self::new(self.node, self.pool, self.ready, age, self.answer)
    }

    /// What the node says.
    #[must_use]
    pub fn summary(&self) -> Option<&Summary> {
        match &self.answer {
            Answer::Summary(summary) => Some(summary),
            Answer::Failure(_) => None,
        }
    }

    /// What the node says, if that is of now.
    #[must_use]
    pub fn current(&self) -> Option<&Summary> {
        self.summary().filter(|_| self.current)
    }

    /// Why it says nothing.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match &self.answer {
            Answer::Summary(_) => None,
            Answer::Failure(failure) => Some(failure),
        }
    }

    /// It answered, but was checked too long ago, or at an unknown time.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.summary().is_some() && !self.current
    }
}
