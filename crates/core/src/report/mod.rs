//! What nospace concludes about a node: the JSON of `check`, and all that the human report shows.
//!
//! Made by [`crate::conclude`] from a [`crate::model::Snapshot`]; the document that people's
//! scripts read, so fields are only ever added.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{CgroupVersion, CollectorRun, Provenance};

mod budgets;
mod culprit;
mod findings;
mod forecast;
mod holders;
mod rule;
pub mod thresholds;

pub use crate::model::{Resource, Subject, percent};
pub use budgets::{Budget, InotifyLimits, Unattributed, User, UserRef};
pub use culprit::Culprit;
pub use findings::{Finding, PodRef, Remedy, Severity};
pub use forecast::{Forecast, KubeletStart, StartVerdict};
pub use holders::{ContainerRef, ContainerUse, Owner, Pod, PodContainer, PodPart, ProcessUse};
pub use rule::Rule;

/// Version of the JSON document; raised only when a field changes its meaning.
pub const SCHEMA_VERSION: u32 = 1;

/// One look at a node, concluded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// When the look began, RFC 3339, UTC.
    pub taken_at: String,
    /// The machine.
    pub node: Node,
    /// How each collector fared.
    pub collectors: Vec<CollectorRun>,
    /// The inotify limits of the initial user namespace; null where they could not be read.
    pub limits: Option<InotifyLimits>,
    /// Whoever inotify is charged to, most pressed first.
    pub users: Vec<User>,
    /// Processes that hold instances, those with most first.
    pub processes: Vec<ProcessUse>,
    /// Pods that hold instances, those with most first.
    pub pods: Vec<Pod>,
    /// Containers outside any pod that hold instances.
    pub containers: Vec<ContainerUse>,
    /// Every other budget that answers ENOSPC, EMFILE, ENFILE, EAGAIN or EDQUOT.
    pub resources: Vec<Resource>,
    /// What would happen at the next start of what matters.
    pub forecast: Forecast,
    /// What is wrong, most important first.
    pub findings: Vec<Finding>,
    /// The collectors that the answer depends on: without one of them nothing is known to be well.
    #[serde(skip, default = "inotify_alone")]
    pub required: Vec<String>,
}

/// What a report that was read back depends on at least.
fn inotify_alone() -> Vec<String> {
    vec![INOTIFY.to_owned()]
}

/// The collector of instances and watches.
const INOTIFY: &str = "inotify";

/// The answer in one word, as a monitoring plugin gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Nothing is under pressure.
    Ok,
    /// The worst finding is a warning.
    Warning,
    /// The worst finding is critical.
    Critical,
    /// Nothing was found, but something that the answer depends on could not be read.
    Unknown,
}

impl Status {
    /// Exit code of `check`.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }
}

impl Report {
    /// The worst finding; [`Status::Unknown`] where nothing bad was found and something that the answer
    /// depends on could not be read.
    #[must_use]
    pub fn status(&self) -> Status {
        match self.findings.iter().map(|f| f.severity).max() {
            Some(Severity::Critical) => Status::Critical,
            Some(Severity::Warning) => Status::Warning,
            _ if self.missing().is_some() => Status::Unknown,
            _ => Status::Ok,
        }
    }

    /// The first collector that the answer depends on and that failed, did not run, or saw hardly anything.
    #[must_use]
    pub fn missing(&self) -> Option<&str> {
        let unread = |name: &&String| match name.as_str() {
            INOTIFY => self.is_blind() || !self.knows_inotify_limits(),
            name => {
                let mut runs = self.collectors.iter();
                !runs.any(|run| run.name == name && run.error.is_none() && !run.blind)
            }
        };
        self.required.iter().find(unread).map(String::as_str)
    }

    fn knows_inotify_limits(&self) -> bool {
        self.limits.is_some() || self.users.iter().any(|u| u.watches.limit.is_some())
    }

    /// inotify could not be read, or hardly anything of it was in sight.
    #[must_use]
    pub fn is_blind(&self) -> bool {
        let blind = |c: &CollectorRun| c.name == "inotify" && c.blind;
        self.inotify_provenance() == Provenance::Unavailable || self.collectors.iter().any(blind)
    }

    /// How far the figures of processes, pods and containers can be trusted.
    #[must_use]
    pub fn inotify_provenance(&self) -> Provenance {
        let mut collectors = self.collectors.iter();
        let inotify = collectors.find(|c| c.name == "inotify" && c.error.is_none());
        inotify.map_or(Provenance::Unavailable, |c| c.provenance)
    }
}

/// The machine that a report is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// Host name.
    pub name: String,
    /// Kernel release.
    pub kernel: String,
    /// Cgroup interface.
    pub cgroup_version: CgroupVersion,
}
