//! What is wrong, and what to do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Blame, Rule, Subject};
use crate::cause::Cause;

/// How bad a finding is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; changes no exit code.
    Info,
    /// Pressure: from 80 %.
    Warning,
    /// From 95 %, or refusing already.
    Critical,
}

impl Severity {
    /// As JSON and metrics have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// One thing that is wrong, or about to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Stable code of the cause.
    pub cause: Cause,
    /// Stable name of the rule that found it, `kubelet-start`.
    #[schemars(with = "String")]
    pub rule: Rule,
    /// How bad.
    pub severity: Severity,
    /// What has the budget: a subject of `resources`, a user, a collector; empty where it is about none. With `rule` and `cause` it tells
    /// whether two checks found the same thing.
    #[serde(default)]
    #[schemars(with = "String")]
    pub subject: Subject,
    /// One sentence.
    pub title: String,
    /// The figures that it rests on, each with its provenance.
    pub evidence: Vec<String>,
    /// Who holds.
    #[serde(flatten)]
    pub blame: Blame,
    /// Who is refused, or would be.
    pub victims: Vec<String>,
    /// What to do.
    pub remedies: Vec<Remedy>,
}

/// A command to paste, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Remedy {
    /// Shell command.
    pub command: String,
    /// What it changes and why that helps.
    pub why: String,
}
