use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::AllSeen;

/// The answer in one word, as a monitoring plugin gives it. Ordered by how much it says against the node: not to know is worse than
/// health, and better than trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "Word", from = "Word")]
pub enum Status {
    /// Nothing is under pressure, and all that this depends on was seen: nothing else can make it, but the document of another nospace.
    Ok(AllSeen),
    /// Nothing was found, but something that the answer depends on was not seen.
    Unknown,
    /// The worst finding is a warning.
    Warning,
    /// The worst finding is critical.
    Critical,
}

impl Status {
    /// Of a place with no finding: well with the proof, else unknown.
    #[must_use]
    pub fn without_findings(proof: Option<AllSeen>) -> Self {
        proof.map_or(Self::Unknown, Self::Ok)
    }

    /// Nothing is under pressure.
    #[must_use]
    pub const fn is_well(self) -> bool {
        matches!(self, Self::Ok(_))
    }

    /// Exit code of `check`.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Ok(_) => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }

    /// What another nospace concluded, by its exit code.
    #[must_use]
    pub fn reported(exit_code: u64) -> Option<Self> {
        let all = [Word::Ok, Word::Warning, Word::Critical, Word::Unknown].map(Self::from);
        all.into_iter()
            .find(|status| u64::from(status.exit_code()) == exit_code)
    }

    /// In documents: `ok`, `warning`, `critical` or `unknown`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok(_) => "ok",
            Self::Warning => "warning",
            Self::Critical => "critical",
            Self::Unknown => "unknown",
        }
    }
}

/// The answer in one word, as a monitoring plugin gives it.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Word {
    /// Nothing is under pressure.
    Ok,
    /// The worst finding is a warning.
    Warning,
    /// The worst finding is critical.
    Critical,
    /// Nothing was found, but something that the answer depends on was not seen.
    Unknown,
}

impl From<Status> for Word {
    fn from(status: Status) -> Self {
        match status {
            Status::Ok(_) => Self::Ok,
            Status::Warning => Self::Warning,
            Status::Critical => Self::Critical,
            Status::Unknown => Self::Unknown,
        }
    }
}

impl From<Word> for Status {
    fn from(word: Word) -> Self {
        match word {
            Word::Ok => Self::Ok(AllSeen::reported()),
            Word::Warning => Self::Warning,
            Word::Critical => Self::Critical,
            Word::Unknown => Self::Unknown,
        }
    }
}

impl JsonSchema for Status {
    fn schema_name() -> Cow<'static, str> {
        "Status".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Word::json_schema(generator)
    }
}
