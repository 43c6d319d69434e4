//! The JSON of `explain`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::hit::Hit;
use crate::cause::Cause;
use crate::report::Finding;
use crate::signatures::{Confidence, Table};

/// What logs say, and whether the node still says so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// [`crate::report::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Each message that matched, in the order of reading.
    pub lines: Vec<ExplainedLine>,
    /// Messages that matched and are not in `lines`, for there were too many.
    pub lines_omitted: u64,
    /// Each cause once, the most frequent first.
    pub causes: Vec<ExplainedCause>,
    /// What to do about the causes.
    pub findings: Vec<Finding>,
    /// What was read.
    pub sources: Vec<SourceRead>,
}

/// A message that matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedLine {
    /// File, `-` for standard input, `journal`.
    pub source: String,
    /// Line, from 1; of a message of several lines the first.
    pub number: u64,
    /// Lines that the message is made of.
    pub lines: u64,
    /// When, as the log writes it; klog has no year, dmesg counts seconds since boot.
    pub time: Option<String>,
    /// Who said it: the log's tag, else the signature's program; null where many print such text.
    pub program: Option<String>,
    /// The best candidate.
    pub cause: Cause,
    /// All that the text allows, the likeliest first.
    pub candidates: Vec<Cause>,
    /// How sure the text makes of `cause`.
    pub confidence: Confidence,
    /// Signature that matched; `evidence-ERRNO` where none did.
    pub signature: String,
    /// What decided where no signature did: the errno, then words and objects of the line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// Path, cgroup or volume that the call was refused on.
    pub object: Option<String>,
    /// Pod: `namespace/name`, or its uid.
    pub pod: Option<String>,
    /// The limit that the program says it met, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// The line as it stands.
    pub text: String,
}

impl ExplainedLine {
    /// What `hit` of `source` says, by `table`.
    #[must_use]
    pub fn new(source: &str, hit: &Hit, table: &Table) -> Self {
        Self {
            source: source.to_owned(),
            number: hit.number,
            lines: hit.lines,
            time: hit.time.clone(),
            program: hit.program_in(table),
            cause: hit.meaning.cause,
            candidates: hit.meaning.candidates.clone(),
            confidence: hit.meaning.confidence,
            signature: hit.kind(table),
            evidence: hit.meaning.reasons.clone(),
            object: hit.meaning.object.name.clone(),
            pod: hit.meaning.object.pod.clone(),
            limit: hit.meaning.object.limit,
            text: hit.text.clone(),
        }
    }
}

/// A place in a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LineRef {
    /// File, `-` for standard input, `journal`.
    pub source: String,
    /// Line, from 1.
    pub number: u64,
}

/// One cause, added up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedCause {
    /// The cause that its lines name.
    pub cause: Cause,
    /// All that the lines allow, the likeliest first.
    pub candidates: Vec<Cause>,
    /// Of the surest line.
    pub confidence: Confidence,
    /// Messages.
    pub lines: u64,
    /// Messages, repetitions that the log counted (`x25 over 8m`) included.
    pub times: u64,
    /// Time of the first message as the log writes it; null where the log has no times.
    pub first: Option<String>,
    /// Time of the last message.
    pub last: Option<String>,
    /// Where the first message is.
    pub first_line: LineRef,
    /// Where the last message is.
    pub last_line: LineRef,
    /// Who said it, most talkative first; at most ten.
    pub programs: Vec<String>,
    /// Hosts and nodes that the lines name, in the order of appearance; at most ten.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// What the calls were refused on, in the order of appearance; at most ten.
    pub objects: Vec<String>,
    /// Pods named; at most ten.
    pub pods: Vec<String>,
    /// The limit that the last program met which says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// The surest message, the earliest of those.
    pub sample: String,
    /// The messages by signature, in the order of appearance; at most ten.
    pub kinds: Vec<MessageKind>,
    /// The cause that the node decided on: the candidate that is used up now.
    pub decided: Option<Cause>,
    /// A guard (`nospace guard`) refuses these programs now, below the limit. False also where that is not known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refused_by_guard: bool,
    /// Whether the node says so too.
    pub node: Verdict,
    /// What the node says, in words.
    pub node_says: Vec<String>,
}

/// The messages of one signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageKind {
    /// Its id.
    pub signature: String,
    /// Messages.
    pub lines: u64,
    /// Where the first one is.
    pub first_line: LineRef,
    /// What follows from such a message.
    pub note: Option<String>,
    /// The first one.
    pub sample: String,
}

/// What the node says of a cause.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeSays {
    /// In a word.
    pub verdict: Verdict,
    /// The cause that the node decided on, among the candidates.
    pub cause: Option<Cause>,
    /// The figures, in words.
    pub words: Vec<String>,
    /// It is a guard that refuses, below the limit.
    pub by_guard: bool,
}

/// Whether the node says what the log says.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nobody asked the node, or it has no figure for this cause.
    #[default]
    Unknown,
    /// Used up now too.
    Confirms,
    /// Was refused for certain, and has room now.
    Recovered,
    /// The text allows other causes as well, and it is one of those or none that is there now.
    Contradicts,
}

impl Verdict {
    /// `confirms`, `contradicts`, `recovered` or `unknown`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Confirms => "confirms",
            Self::Recovered => "recovered",
            Self::Contradicts => "contradicts",
        }
    }
}

/// One log that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceRead {
    /// File, `-` for standard input, `journal`.
    pub source: String,
    /// Bytes, after unpacking.
    pub bytes: u64,
    /// Lines.
    pub lines: u64,
    /// Messages that matched.
    pub matched: u64,
    /// Lines too long to be looked at whole.
    pub cut: u64,
    /// Why it could not be read to its end, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
