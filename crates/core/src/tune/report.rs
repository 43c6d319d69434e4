//! The JSON of `tune`, and all that it shows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{NamespaceLimit, OtherSetting, PlatformAdvice};
use crate::model::BootValue;
use crate::parse::sysctl::Reader;

/// What was asked of tune.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Nothing is changed.
    Show,
    /// `--apply`.
    Apply,
    /// `--revert`.
    Revert,
}

/// How far a step has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    /// It is so already.
    Unneeded,
    /// `--apply` or `--revert` would do it.
    Planned,
    /// It was done, and looked at afterwards.
    Done,
    /// It could not be done.
    Failed,
    /// It was not asked for, or is left alone on purpose.
    Skipped,
}

/// A step: of a change, or of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// How far it has come.
    pub state: StepState,
    /// Why it failed or was skipped.
    pub reason: Option<String>,
}

impl From<StepState> for Step {
    fn from(state: StepState) -> Self {
        Self {
            state,
            reason: None,
        }
    }
}

impl Step {
    /// A step that failed.
    #[must_use]
    pub fn failed(reason: impl Into<String>) -> Self {
        Self {
            state: StepState::Failed,
            reason: Some(reason.into()),
        }
    }

    /// A step that is left out.
    #[must_use]
    pub fn skipped(reason: impl Into<String>) -> Self {
        Self {
            state: StepState::Skipped,
            reason: Some(reason.into()),
        }
    }
}

/// One key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Dotted name.
    pub key: String,
    /// The live value before this run; null in an image.
    pub current: Option<u64>,
    /// What it should be; when tune is taken back, what it was before; null where that is not known.
    pub proposed: Option<u64>,
    /// Why.
    pub reason: String,
    /// Kernel memory when the new limit is used up, in bytes; null where it takes none worth the name.
    pub memory_bytes: Option<u64>,
    /// What the limit applies to.
    pub each: String,
    /// Setting the live value.
    pub live: Step,
    /// Making it last.
    pub persistent: Step,
    /// The line that the next boot obeys as the files were before this run; null where none sets the key.
    pub at_boot: Option<BootValue>,
    /// The line that it obeys with tune's file as proposed.
    pub next_boot: Option<BootValue>,
    /// Everybody else who sets the key.
    pub setters: Vec<OtherSetting>,
}

/// What becomes of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileStep {
    /// Its path, as the host sees it.
    pub path: String,
    /// It was there before this run.
    pub existed: bool,
    /// It is there, or shall be, after this run.
    pub remains: bool,
    /// Writing or removing it.
    pub step: Step,
}

/// What tune proposes, or did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tuning {
    /// Raised only when a field changes its meaning.
    pub schema_version: u32,
    /// When the check began, RFC 3339, UTC.
    pub taken_at: String,
    /// Host name, or the directory of an image.
    pub node: String,
    /// Physical memory, in bytes.
    pub memory_bytes: Option<u64>,
    /// What was asked.
    pub action: Action,
    /// Who reads the files at the next boot.
    pub reader: Reader,
    /// The system has a way of its own to set these.
    pub platform: Option<PlatformAdvice>,
    /// The keys.
    pub changes: Vec<Change>,
    /// The drop-in.
    pub file: FileStep,
    /// What else is to be known, or stands in the way.
    pub notes: Vec<String>,
    /// Limits of other user namespaces, which fs.inotify.* does not reach.
    pub namespaces: Vec<NamespaceLimit>,
}

impl Tuning {
    /// Nothing is left to be done.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let open = |step: &Step| matches!(step.state, StepState::Planned | StepState::Failed);
        !self.steps().any(open)
    }

    /// Something that was to be done was not, or will not last.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.steps().any(|step| step.state == StepState::Failed)
    }

    fn steps(&self) -> impl Iterator<Item = &Step> {
        let changes = self.changes.iter().flat_map(|c| [&c.live, &c.persistent]);
        changes.chain([&self.file.step])
    }
}
