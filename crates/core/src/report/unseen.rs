//! What a verdict depends on and that was not seen.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{CollectorRun, Vantage};

/// A limit that the answer about the node does not cover, or not in full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotCovered {
    /// Code of its exhaustion.
    pub cause: String,
    /// What is out of sight, and what would show it, in words.
    pub why: String,
}

/// Something that a verdict of health depends on and that was not seen: with it the verdict is unknown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    tag = "kind"
)]
pub enum Unseen {
    /// A collector failed, or did not run.
    Unread {
        /// Its name.
        collector: String,
        /// Why it failed, in words.
        why: Option<String>,
    },
    /// A collector could not read all, or stopped at a bound.
    Partial {
        /// Its name.
        collector: String,
        /// The first thing that it missed, in words.
        why: Option<String>,
    },
    /// Some of what a collector reads is not visible from where nospace runs, or is not in the recording.
    OutOfSight {
        /// Its name.
        collector: String,
        /// What, and what would show it, in words.
        why: Option<String>,
    },
    /// Most processes could not be inspected.
    OtherUsers {
        /// nospace ran as root, and still lacked a capability.
        as_root: bool,
    },
    /// Processes outside of the pid namespace.
    OtherPidNamespaces,
    /// The accounts of the user namespaces above nospace's own.
    Ancestors,
    /// Whom each instance is charged to, which /proc does not show.
    ChargedUsers,
    /// The limits of a user namespace below nospace's own.
    ChildLimits {
        /// Its inode number.
        user_namespace: u64,
    },
    /// The System V limits of other IPC namespaces.
    OtherIpcNamespaces,
    /// Quotas of users and groups, and those of network file systems.
    OtherQuotas,
    /// How many processes each user has, of its RLIMIT_NPROC.
    UserProcesses,
    /// The kubelet's version, or what it is configured for, which decide how much it needs.
    KubeletConfig,
    /// What runs in the kubelet's process beside it, and is needed for its start too.
    BesideKubelet {
        /// The manager of the node.
        manager: String,
    },
    /// Whether a guard keeps a reserve from pods.
    Guards {
        /// A guard was found that could not be read: why, in words. Null where nothing shows guards here.
        why: Option<String>,
    },
    /// No collector reads it: only logs tell of it.
    OnlyInLogs {
        /// Code of the cause.
        cause: String,
    },
}

impl Unseen {
    /// What this run of a collector did not see.
    #[must_use]
    pub fn of_run(run: &CollectorRun, vantage: &Vantage) -> Option<Self> {
        if run.error.is_some() {
            Some(Self::Unread {
                collector: run.name.clone(),
                why: run.error.clone(),
            })
        } else if run.blind {
            Some(Self::OtherUsers {
                as_root: vantage.uid == 0,
            })
        } else if run.partial {
            Some(Self::Partial {
                collector: run.name.clone(),
                why: run.gaps.first().cloned(),
            })
        } else if run.out_of_sight {
            Some(Self::OutOfSight {
                collector: run.name.clone(),
                why: run.gaps.first().cloned(),
            })
        } else {
            None
        }
    }

    /// It is the place that hides it, and not a failure: the answer about the node leaves it out, and says so.
    #[must_use]
    pub fn is_out_of_sight(&self) -> bool {
        matches!(
            self,
            Self::OutOfSight { .. } | Self::UserProcesses | Self::Guards { why: None }
        )
    }

    /// What was not seen, and what would show it.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self.remedy() {
            Some(remedy) => format!("{self}: {remedy}"),
            None => self.to_string(),
        }
    }

    /// What would show it.
    #[must_use]
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::OtherUsers { as_root: false } => Some("run as root"),
            Self::OtherUsers { as_root: true } => Some("run nospace with CAP_SYS_PTRACE"),
            Self::OtherPidNamespaces => {
                Some("run `nospace check` on the host, or in a pod with hostPID: true")
            }
            Self::Ancestors => {
                Some("run `nospace check` on the host, as root outside of this container")
            }
            Self::ChildLimits { .. } => Some(
                "run nospace with eBPF (CAP_BPF and CAP_PERFMON), or read user.max_inotify_* inside",
            ),
            Self::ChargedUsers | Self::Guards { why: None } => {
                Some("run nospace with eBPF (CAP_BPF and CAP_PERFMON)")
            }
            Self::OtherIpcNamespaces => Some(
                "run `nsenter --ipc --target PID nospace check` for a process of the container",
            ),
            Self::OtherQuotas => Some("run `quota -s` as the user, and `df DIRECTORY`"),
            Self::UserProcesses => Some(
                "compare `ps -L -u USER --no-headers | wc -l` with max user processes in /proc/PID/limits",
            ),
            Self::KubeletConfig | Self::BesideKubelet { .. } => {
                Some("run it again once the kubelet has run for a minute")
            }
            Self::Unread { .. }
            | Self::Partial { .. }
            | Self::OutOfSight { .. }
            | Self::Guards { why: Some(_) }
            | Self::OnlyInLogs { .. } => None,
        }
    }
}

impl fmt::Display for Unseen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread {
                collector,
                why: Some(why),
            } => write!(f, "{collector} could not be read: {why}"),
            Self::Unread {
                collector,
                why: None,
            } => write!(f, "{collector} could not be read"),
            Self::Partial {
                collector,
                why: Some(why),
            } => write!(f, "{collector} could not be read in full: {why}"),
            Self::Partial {
                collector,
                why: None,
            } => write!(f, "{collector} could not be read in full"),
            Self::OutOfSight {
                collector,
                why: Some(why),
            } => write!(f, "{collector} is not fully visible: {why}"),
            Self::OutOfSight {
                collector,
                why: None,
            } => write!(f, "{collector} is not fully visible"),
            Self::OtherUsers { .. } => f.write_str("most processes are not readable"),
            Self::OtherPidNamespaces => {
                f.write_str("processes outside of this pid namespace are not visible")
            }
            Self::Ancestors => {
                f.write_str("the limits of the user namespaces above this one are not visible")
            }
            Self::ChargedUsers => f.write_str(
                "one user may be charged for more than /proc shows: a process can change its user",
            ),
            Self::ChildLimits { user_namespace } => {
                write!(
                    f,
                    "the limits of user namespace {user_namespace} are not visible"
                )
            }
            Self::OtherIpcNamespaces => {
                f.write_str("other IPC namespaces have limits of their own, which are not visible")
            }
            Self::OtherQuotas => f.write_str(
                "quotas of users and groups, and those of network file systems, are not read",
            ),
            Self::UserProcesses => {
                f.write_str("the limit of processes of a user (RLIMIT_NPROC) is not read")
            }
            Self::KubeletConfig => f.write_str(
                "how much the kubelet needs depends on its version and configuration, which are not known",
            ),
            Self::BesideKubelet { manager } => write!(
                f,
                "{manager} runs more than the kubelet in one process, and what that needs was not measured"
            ),
            Self::Guards { why: None } => f.write_str(
                "a guard (nospace guard) can refuse pods from half of the limit on, and whether one runs is not known",
            ),
            Self::Guards { why: Some(why) } => {
                write!(f, "pods may be refused below the limit: {why}")
            }
            Self::OnlyInLogs { cause } => write!(
                f,
                "{cause} cannot be measured on a node: only logs tell of it"
            ),
        }
    }
}

/// Proof that everything was seen that a verdict of health depends on. Only this crate gives it: for a node [`crate::evidence`] and
/// the forecast, for logs that were read to their end, for a cluster whose nodes have all answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AllSeen(());

impl AllSeen {
    /// The proof where nothing is missing.
    pub(crate) fn where_nothing_is(unseen: &[Unseen]) -> Option<Self> {
        unseen.is_empty().then_some(Self(()))
    }

    /// The proof of one who has looked at each part.
    pub(crate) fn of_all_parts(are_seen: bool) -> Option<Self> {
        are_seen.then_some(Self(()))
    }

    /// What another nospace had proof of, by its document.
    pub(super) const fn reported() -> Self {
        Self(())
    }
}

/// What the answer of a report depends on and that was not seen. Outside of this crate none can be made that lists nothing, but by
/// reading the document of a report: it is well only after [`crate::evidence`] has looked at what its collectors saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct NotSeen(Vec<Unseen>);

impl NotSeen {
    pub(crate) const fn new(unseen: Vec<Unseen>) -> Self {
        Self(unseen)
    }

    /// Of a report that nothing has judged yet.
    #[must_use]
    pub fn unjudged() -> Self {
        Self(vec![Unseen::Unread {
            collector: "inotify".to_owned(),
            why: None,
        }])
    }

    /// The proof that a verdict of health needs, if there is one.
    #[must_use]
    pub fn proof(&self) -> Option<AllSeen> {
        AllSeen::where_nothing_is(&self.0)
    }
}

impl std::ops::Deref for NotSeen {
    type Target = [Unseen];

    fn deref(&self) -> &[Unseen] {
        &self.0
    }
}
