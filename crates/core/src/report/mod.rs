//! What nospace concludes about a node: the JSON of `check`, and all that the human report shows.
//!
//! Made by [`crate::conclude`] from a [`crate::model::Snapshot`]; the document that people's
//! scripts read, so fields are only ever added.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{CgroupVersion, CollectorRun, Guards, Provenance, UserNames, Vantage};

mod blame;
mod budgets;
mod culprit;
mod findings;
mod forecast;
mod guard_line;
mod holders;
mod log_context;
mod refusals;
mod remedy_context;
mod rule;
mod status;
pub mod thresholds;
mod unseen;

pub use crate::model::{Resource, Subject, percent};
pub use blame::{Blame, Culprits, Group, NO_CULPRIT, Share, is_culprit};
pub use budgets::{Budget, InotifyLimits, Unattributed, User, UserRef, budget_name};
pub use culprit::{Culprit, PodRef};
pub use findings::{Finding, Remedy, Severity};
pub use forecast::{Forecast, KubeletStart, StartVerdict, scarcer};
pub use guard_line::GuardLine;
pub use holders::{ContainerRef, ContainerUse, Owner, Pod, PodContainer, PodPart, ProcessUse};
pub use log_context::{LogContext, Speaker};
pub use refusals::{Refusals, Refused, RefusingGuard};
pub use remedy_context::RemedyContext;
pub use rule::Rule;
pub use status::Status;
pub use unseen::{AllSeen, NotCovered, NotSeen, Unseen};

/// Version of the JSON document; raised only when a field changes its meaning.
pub const SCHEMA_VERSION: u32 = 1;

/// One look at a node, concluded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// When the check began, RFC 3339, UTC.
    pub taken_at: String,
    /// The machine.
    pub node: Node,
    /// Where nospace ran, which decides what it could see.
    pub vantage: Vantage,
    /// How each collector fared.
    pub collectors: Vec<CollectorRun>,
    /// The inotify limits of the initial user namespace; null where they could not be read.
    pub limits: Option<InotifyLimits>,
    /// Users that inotify is charged to, most pressed first.
    pub users: Vec<User>,
    /// Processes that hold instances, those with most first.
    pub processes: Vec<ProcessUse>,
    /// Pods that hold instances, those with most first.
    pub pods: Vec<Pod>,
    /// Containers outside any pod that hold instances.
    pub containers: Vec<ContainerUse>,
    /// Every other budget that answers ENOSPC, EMFILE, ENFILE, EAGAIN or EDQUOT.
    pub resources: Vec<Resource>,
    /// Guards that keep a reserve of inotify from pods; missing where it is not known whether there are any: without eBPF, or in a
    /// recording of an older nospace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guards: Option<Guards>,
    /// What would happen at the next start of what matters.
    pub forecast: Forecast,
    /// What is wrong, most important first.
    pub findings: Vec<Finding>,
    /// What the answer depends on and that was not seen: with any of it nothing is known to be well.
    pub unseen: NotSeen,
    /// Limits that the answer does not cover, or not in full: they are not visible from where nospace runs, or not in the recording.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_covered: Vec<NotCovered>,
    /// Names of uids, from the node's /etc/passwd; those that are missing are not known.
    #[serde(default, skip_serializing_if = "UserNames::is_empty")]
    pub user_names: UserNames,
    /// What `explain` needs of the node for its remedies.
    #[serde(skip)]
    pub remedy_context: RemedyContext,
    /// What `explain` holds logs against.
    #[serde(skip)]
    pub log_context: LogContext,
}

impl Report {
    /// The worst finding; [`Status::Unknown`] where nothing bad was found and something that the answer
    /// depends on was not seen.
    #[must_use]
    pub fn status(&self) -> Status {
        match self.findings.iter().map(|f| f.severity).max() {
            Some(Severity::Critical) => Status::Critical,
            Some(Severity::Warning) => Status::Warning,
            _ => Status::without_findings(self.unseen.proof()),
        }
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

    /// How far to trust what a forecast says is free: use and limits are inotify's, unlike the estimate of what is needed.
    #[must_use]
    pub fn free_provenance(&self, start: &KubeletStart) -> Provenance {
        match start.verdict {
            StartVerdict::Unknown => Provenance::Unavailable,
            _ => self.inotify_provenance(),
        }
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
