use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far a figure can be trusted.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Provenance {
    /// The kernel's own number.
    Exact,
    /// Counted from outside: may miss what /proc does not show.
    Estimated,
    /// Could not be read; the collector's entry says why.
    #[default]
    Unavailable,
}

impl Provenance {
    /// As JSON and metrics have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Estimated => "estimated",
            Self::Unavailable => "unavailable",
        }
    }

    /// The weaker of the two: a figure made of several is as good as its worst part.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.max(other)
    }
}

/// The result of one collector in one check.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CollectorRun {
    /// Collector, for example `inotify`.
    pub name: String,
    /// What it read: `procfs`, `ebpf`, `sysctl`, `cgroupfs`, `statfs`, `disk`.
    pub source: String,
    /// How far its figures can be trusted.
    pub provenance: Provenance,
    /// Wall time in milliseconds.
    pub duration_ms: f64,
    /// Why it failed, in words; absent when it did not.
    pub error: Option<String>,
    /// It could read hardly any of what it counts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub blind: bool,
    /// It could not read all of what it counts, or stopped at a bound: its figures may be too low, and a limit that it did
    /// not see may be used up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// Some of what it counts is not visible from where nospace runs, or is not in the recording: the answer about the node does not
    /// cover that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub out_of_sight: bool,
    /// What it could not see, and what would let it, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<String>,
}
