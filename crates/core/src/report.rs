//! What nospace concludes about a node: the JSON of `check`, and all that the human report shows.
//!
//! Made by [`crate::conclude`] from a [`crate::model::Snapshot`]; the document that people's
//! scripts read, so fields are only ever added.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cause::Cause;
use crate::diagnose::words;
use crate::model::{CgroupVersion, CollectorRun, INITIAL_USER_NAMESPACE, Provenance, Runtime};

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
}

/// The answer in one word, as a monitoring plugin gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Nothing is under pressure.
    Ok,
    /// The worst finding is a warning.
    Warning,
    /// The worst finding is critical.
    Critical,
    /// Nothing was found, but inotify or its limits could not be read, or most processes not be
    /// looked into.
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
    /// The worst finding; [`Status::Unknown`] where nothing bad was found and inotify could not
    /// be judged.
    #[must_use]
    pub fn status(&self) -> Status {
        let limited = self.limits.is_some() || self.users.iter().any(|u| u.watches.limit.is_some());
        match self.findings.iter().map(|f| f.severity).max() {
            Some(Severity::Critical) => Status::Critical,
            Some(Severity::Warning) => Status::Warning,
            _ if self.is_blind() || !limited => Status::Unknown,
            _ => Status::Ok,
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

/// The inotify limits of the initial user namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InotifyLimits {
    /// `fs.inotify.max_user_instances`.
    pub max_user_instances: u64,
    /// `fs.inotify.max_user_watches`.
    pub max_user_watches: u64,
    /// `fs.inotify.max_queued_events`.
    pub max_queued_events: u64,
}

/// A used amount against its limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Budget {
    /// Amount in use.
    pub used: u64,
    /// The limit that binds; null where it could not be read.
    pub limit: Option<u64>,
    /// How far `used` can be trusted.
    pub provenance: Provenance,
}

impl Budget {
    /// Used share of the limit, in percent rounded down; `None` without a limit.
    #[must_use]
    pub fn percent(&self) -> Option<u64> {
        percent(self.used, self.limit?)
    }

    /// What is left; `None` without a limit.
    #[must_use]
    pub fn free(&self) -> Option<u64> {
        Some(self.limit?.saturating_sub(self.used))
    }
}

/// `used` of `limit` in percent, rounded down; a limit of 0 is full.
#[must_use]
pub fn percent(used: u64, limit: u64) -> Option<u64> {
    if limit == 0 {
        return Some(100);
    }
    u64::try_from(u128::from(used) * 100 / u128::from(limit)).ok()
}

/// A (user namespace, uid) pair that inotify is charged to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// uid as the initial user namespace sees it.
    pub uid: u32,
    /// Inode number of the user namespace.
    pub user_namespace: u64,
    /// Instances.
    pub instances: Budget,
    /// Watches.
    pub watches: Budget,
    /// What the kernel charges and no visible descriptor explains.
    pub unattributed: Unattributed,
    /// The pair of the parent namespace that is charged too; null in the initial namespace.
    pub draws_on: Option<UserRef>,
}

impl User {
    /// Whether it is of the initial user namespace: the node's own.
    #[must_use]
    pub fn is_initial(&self) -> bool {
        self.user_namespace == INITIAL_USER_NAMESPACE
    }

    /// How [`Finding::subject`] names it.
    #[must_use]
    pub fn subject(&self) -> String {
        words::user(words::key(self))
    }
}

/// Names a [`User`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserRef {
    /// uid as the initial user namespace sees it.
    pub uid: u32,
    /// Inode number of the user namespace.
    pub user_namespace: u64,
}

/// Charged, but behind no descriptor that could be seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Unattributed {
    /// Instances; null where only the kernel could tell.
    pub instances: Option<u64>,
    /// Watches; null where only the kernel could tell.
    pub watches: Option<u64>,
}

/// Whose something is.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Owner {
    /// The host itself: no unit and no container is known.
    #[default]
    Host,
    /// A systemd unit.
    Unit {
        /// Unit name, `containerd.service`.
        name: String,
    },
    /// A container outside any pod.
    Container {
        /// Who runs it.
        runtime: Runtime,
        /// Full id.
        id: String,
        /// Name where the runtime gives one.
        name: Option<String>,
    },
    /// A pod.
    Pod {
        /// Kubernetes namespace; empty where only the uid is known.
        namespace: String,
        /// Pod name; empty where only the uid is known.
        name: String,
        /// Pod uid.
        uid: String,
        /// Container in it, where that is known.
        container: Option<ContainerRef>,
        /// What part of the pod this is.
        part: PodPart,
    },
}

/// Names a container of a pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContainerRef {
    /// Name in the pod's specification; empty where only the id is known.
    pub name: String,
    /// Full id.
    pub id: String,
}

/// What part of a pod a process is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum PodPart {
    /// One of its containers.
    #[default]
    Container,
    /// The sandbox (pause) container.
    Sandbox,
    /// The runtime's own process for it: containerd-shim, conmon.
    Shim,
}

/// A process that holds instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProcessUse {
    /// pid.
    pub pid: u32,
    /// Name of the main thread.
    pub comm: String,
    /// Instances that it holds.
    pub instances: u64,
    /// Watches in them.
    pub watches: u64,
    /// Of `instances`, those that another process holds as well.
    pub shared_instances: u64,
    /// Of `watches`, those in shared instances.
    pub shared_watches: u64,
    /// Of `instances`, those without any watch.
    pub empty_instances: u64,
    /// Whom most of its instances are charged to.
    pub charged: UserRef,
    /// Whose process it is.
    pub owner: Owner,
}

/// A pod that holds instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pod {
    /// Kubernetes namespace; empty where only the uid is known.
    pub namespace: String,
    /// Pod name; empty where only the uid is known.
    pub name: String,
    /// Pod uid.
    pub uid: String,
    /// Instances of all its processes, each once, shims included.
    pub instances: u64,
    /// Watches in them.
    pub watches: u64,
    /// Whom they are charged to.
    pub charged: Vec<UserRef>,
    /// Its containers.
    pub containers: Vec<PodContainer>,
}

/// A container of a [`Pod`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodContainer {
    /// Name in the pod's specification; empty where only the id is known.
    pub name: String,
    /// Full id; empty for the pod's shim.
    pub id: String,
    /// What part of the pod it is.
    pub part: PodPart,
    /// Instances.
    pub instances: u64,
    /// Watches in them.
    pub watches: u64,
}

/// A container outside any pod that holds instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContainerUse {
    /// Who runs it.
    pub runtime: Runtime,
    /// Full id.
    pub id: String,
    /// Name where the runtime gives one.
    pub name: Option<String>,
    /// Instances.
    pub instances: u64,
    /// Watches in them.
    pub watches: u64,
}

/// A budget other than inotify's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// Cause code that its exhaustion has.
    pub cause: Cause,
    /// Whose budget: a mount point, a cgroup, a process, a user.
    pub subject: String,
    /// Amount in use, in `unit`.
    pub used: u64,
    /// The limit, in `unit`.
    pub limit: u64,
    /// What is counted: `bytes`, `inodes`, `files`, …
    pub unit: String,
    /// How far `used` can be trusted.
    pub provenance: Provenance,
    /// What else belongs to the figure, in words: root's reserve, refusals seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Resource {
    /// Used share of the limit, in percent rounded down.
    #[must_use]
    pub fn percent(&self) -> u64 {
        percent(self.used, self.limit).unwrap_or(u64::MAX)
    }
}

/// What would happen at the next start of what matters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Forecast {
    /// Whether the kubelet would start now; null where cgroups or limits could not be read.
    pub kubelet_start: Option<KubeletStart>,
}

/// Would the kubelet start now?
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum StartVerdict {
    /// With room to spare.
    Starts,
    /// It starts, or may: the room left is within a tenth of what is needed.
    Barely,
    /// It would be refused.
    Fails,
}

/// What the kubelet would ask for at its start, against what it would find.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KubeletStart {
    /// The answer.
    pub verdict: StartVerdict,
    /// Watches that it would ask for.
    pub watches_needed: u64,
    /// Watches that uid 0 has free, what the running kubelet would give back included.
    pub watches_free: u64,
    /// Instances that it would ask for.
    pub instances_needed: u64,
    /// Instances that uid 0 has free, what the running kubelet would give back included.
    pub instances_free: u64,
    /// pid of the running kubelet.
    pub kubelet_pid: Option<u32>,
    /// Watches that the running kubelet would give back.
    pub watches_given_back: u64,
    /// Instances that the running kubelet would give back.
    pub instances_given_back: u64,
    /// How `watches_needed` was reckoned, in words.
    pub basis: String,
    /// How far it can be trusted.
    pub provenance: Provenance,
}

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
    pub rule: String,
    /// How bad.
    pub severity: Severity,
    /// Whose budget: a subject of `resources`, a user, a collector; empty where it is about none. With `rule` and `cause` it tells
    /// whether two looks found the same thing.
    #[serde(default)]
    pub subject: String,
    /// One sentence.
    pub title: String,
    /// The figures that it rests on, each with its provenance.
    pub evidence: Vec<String>,
    /// Who holds.
    pub culprits: Vec<String>,
    /// Those of the culprits that are pods, in the same order.
    #[serde(default)]
    pub culprit_pods: Vec<PodRef>,
    /// Who is refused, or would be.
    pub victims: Vec<String>,
    /// What to do.
    pub remedies: Vec<Remedy>,
}

/// Names a pod.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub struct PodRef {
    /// Kubernetes namespace; empty where only the uid is known.
    pub namespace: String,
    /// Pod name; empty where only the uid is known.
    pub name: String,
    /// Pod uid.
    pub uid: String,
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
