use serde::{Deserialize, Serialize};

use crate::cause::Cause;

/// How sure a line makes of its cause.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// The text names no call: several causes print it alike.
    Possible,
    /// Nearly always this cause, although the same text has another one.
    Likely,
    /// The call and the object that the line names leave one cause.
    #[default]
    Certain,
}

impl Confidence {
    /// `certain`, `likely` or `possible`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Certain => "certain",
        }
    }
}

/// One entry of the table, as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Stable name, `kubelet-cadvisor-start-watches`.
    pub id: String,
    /// Who prints it.
    pub program: String,
    /// The cause that it names first.
    pub cause: Cause,
    /// Other causes that the same text allows.
    #[serde(default)]
    pub or: Vec<Cause>,
    /// How sure the text makes of `cause`.
    #[serde(default)]
    pub confidence: Confidence,
    /// Text that every such line has; either case of its first letter will do. Lines without any
    /// literal of the table are never looked at with a regular expression.
    pub literal: String,
    /// Regular expression on the normal form of the line, letter case ignored. `%path%` is
    /// an absolute path; a group called `path`, `pod`, `cgroup` or `object` names the object, `limit` the limit that was met.
    pub pattern: String,
    /// The path must lie below one of these, where any is given.
    #[serde(default)]
    pub under: Vec<String>,
    /// The path must not lie below any of these.
    #[serde(default)]
    pub not_under: Vec<String>,
    /// A real line.
    pub example: String,
    /// Lines that look alike and must not match.
    #[serde(default)]
    pub not: Vec<String>,
    /// Where the program prints it, or where the line was seen.
    pub source: String,
    /// What follows from it that the cause's page does not say.
    #[serde(default)]
    pub note: Option<String>,
}

impl Signature {
    /// Every cause that the text allows, the likeliest first.
    #[must_use]
    pub fn candidates(&self) -> Vec<Cause> {
        let mut all = vec![self.cause];
        all.extend(self.or.iter().copied().filter(|c| *c != self.cause));
        all
    }
}
