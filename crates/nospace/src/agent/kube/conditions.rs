//! What a report means for the node's conditions. Pure.

use nospace_core::amount::thousands;
use nospace_core::cause::Cause;
use nospace_core::evidence;
use nospace_core::matter::Matter;
use nospace_core::model::GuardMode;
use nospace_core::report::{
    Budget, Finding, Report, Resource, Rule, Severity, StartVerdict, Subject, Unseen, User,
};

use super::message::{camel_case, message, sanitize};
use crate::agent::guard::{GuardView, Standing};

/// The node conditions that nospace sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConditionType {
    /// A user has run out of inotify watches.
    InotifyWatchesExhausted,
    /// A user has run out of inotify instances.
    InotifyInstancesExhausted,
    /// No more control groups can be created for pods.
    CgroupsExhausted,
    /// The kubelet runs, but might fail to restart.
    KubeletStartAtRisk,
    /// The guard that the agent was asked for is not at work.
    InotifyGuardDown,
}

impl ConditionType {
    /// All, in the order in which they are published.
    pub const ALL: [Self; 5] = [
        Self::InotifyWatchesExhausted,
        Self::InotifyInstancesExhausted,
        Self::CgroupsExhausted,
        Self::KubeletStartAtRisk,
        Self::InotifyGuardDown,
    ];

    /// The condition's type.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::InotifyWatchesExhausted => "InotifyWatchesExhausted",
            Self::InotifyInstancesExhausted => "InotifyInstancesExhausted",
            Self::CgroupsExhausted => "CgroupsExhausted",
            Self::KubeletStartAtRisk => "KubeletStartAtRisk",
            Self::InotifyGuardDown => "InotifyGuardDown",
        }
    }
}

/// The status of a condition; as for other node problems `False` is healthy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// There is no problem.
    False,
    /// There is a problem.
    True,
    /// It could not be determined.
    Unknown,
}

impl Status {
    /// Its name in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::False => "False",
            Self::True => "True",
            Self::Unknown => "Unknown",
        }
    }
}

/// What one report means for one condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// The condition.
    pub kind: ConditionType,
    /// Its status.
    pub status: Status,
    /// Its reason; for a problem the cause's code in CamelCase.
    pub reason: String,
    /// Usage and limit, the largest holder, and how to fix it.
    pub message: String,
}

/// Assesses each condition, in the order of [`ConditionType::ALL`]; without a guard there is none of it.
#[must_use]
pub fn assess(report: &Report, guarding: Option<&GuardView>) -> Vec<Assessment> {
    let assess = |kind| {
        let (status, reason, message) = match kind {
            ConditionType::InotifyWatchesExhausted => {
                inotify(report, Cause::InotifyWatches, |u| u.watches)
            }
            ConditionType::InotifyInstancesExhausted => {
                inotify(report, Cause::InotifyInstances, |u| u.instances)
            }
            ConditionType::CgroupsExhausted => cgroups(report),
            ConditionType::KubeletStartAtRisk => kubelet(report),
            ConditionType::InotifyGuardDown => guard(guarding?),
        };
        Some(Assessment {
            kind,
            status,
            reason,
            message,
        })
    };
    ConditionType::ALL.into_iter().filter_map(assess).collect()
}

type Verdict = (Status, String, String);

fn fine(message: String) -> Verdict {
    (Status::False, "HasRoom".to_owned(), sanitize(&message))
}

fn unknown(message: &str) -> Verdict {
    (Status::Unknown, "CannotTell".to_owned(), sanitize(message))
}

/// A critical finding is a problem; anything less only shows in the reason.
fn found(finding: &Finding) -> Verdict {
    let (status, reason) = match finding.severity {
        Severity::Critical => (Status::True, camel_case(finding.cause.code())),
        _ => (Status::False, "UnderPressure".to_owned()),
    };
    (status, reason, message(finding))
}

/// Of users in the initial user namespace; other namespaces have limits of their own, which concern only who created them.
fn inotify(report: &Report, cause: Cause, budget: fn(&User) -> Budget) -> Verdict {
    let users = || report.users.iter().filter(|u| u.is_initial());
    let subjects: Vec<Subject> = users().map(User::subject).collect();
    // Where a guard keeps the rest for the node, it is exhausted for pods.
    let rules = [Rule::Exhaustion(cause), Rule::GuardReserve];
    let is_of = |f: &&Finding| f.cause == cause && rules.contains(&f.rule);
    let mut findings = report.findings.iter().filter(is_of);
    let finding = findings.find(|f| subjects.contains(&f.subject));
    if let Some(finding) = finding {
        return found(finding);
    }
    let unseen = evidence::unseen(&[Matter::Cause(cause)], report);
    let of_children = |one: &&Unseen| matches!(one, Unseen::ChildLimits { .. });
    if let Some(one) = unseen.iter().find(|one| !of_children(one)) {
        return unknown(&one.sentence());
    }
    let most = users().max_by_key(|u| budget(u).percent());
    fine(match most {
        Some(user) => format!(
            "{} uses {} of {} {}",
            user.subject(),
            budget(user).used,
            budget(user).limit.unwrap_or_default(),
            cause.code().replace('-', " "),
        ),
        None => format!("No user has any {}", cause.code().replace('-', " ")),
    })
}

fn cgroups(report: &Report) -> Verdict {
    let findings = report.findings.iter();
    let mut findings = findings.filter(|f| f.cause == Cause::CgroupLimit && node_wide(&f.subject));
    let pressed = |f: &&Finding| {
        let rules = [
            Rule::Exhaustion(Cause::CgroupLimit),
            Rule::CgroupDescendants,
        ];
        rules.contains(&f.rule)
    };
    if let Some(finding) = findings.find(pressed) {
        return found(finding);
    }
    let resources = report.resources.iter();
    let of_node = |r: &&Resource| r.cause == Cause::CgroupLimit && node_wide(&r.subject);
    let most = resources.filter(of_node).max_by_key(|r| r.percent());
    if let [one, ..] = evidence::unseen(&[Matter::Cause(Cause::CgroupLimit)], report).as_slice() {
        return unknown(&one.sentence());
    }
    match most {
        Some(most) => fine(format!(
            "{} of {} {} in use",
            most.used, most.limit, most.subject
        )),
        None => fine("The number of control groups is not limited".to_owned()),
    }
}

/// The kernel's limit, and those of cgroups above all pods; a limit of one pod concerns only that pod.
fn node_wide(subject: &Subject) -> bool {
    let Subject::Cgroup { path, .. } = subject else {
        return *subject == Subject::MemoryCgroups;
    };
    let pods = path.trim_start_matches('/').trim_end_matches(".slice");
    matches!(
        pods.rsplit('/').next().unwrap_or_default(),
        "" | "kubepods" | "besteffort" | "burstable" | "kubepods-besteffort" | "kubepods-burstable"
    ) && pods.split('/').count() <= 2
}

fn kubelet(report: &Report) -> Verdict {
    let unseen = evidence::unseen(&[Matter::KubeletStart], report);
    let start = match (&report.forecast.kubelet_start, unseen.first()) {
        (Some(start), None) => start,
        (_, Some(one)) => return unknown(&one.sentence()),
        (None, None) => return unknown("It could not be calculated"),
    };
    let finding = report
        .findings
        .iter()
        .find(|f| f.rule == Rule::KubeletStart);
    match (start.verdict, finding) {
        (StartVerdict::Starts, _) => fine(format!(
            "The kubelet would restart: it needs {} watches and {} instances, with {} and {} free",
            thousands(start.watches_needed),
            thousands(start.instances_needed),
            thousands(start.watches_free),
            thousands(start.instances_free)
        )),
        (_, Some(finding)) => (
            Status::True,
            camel_case(finding.cause.code()),
            message(finding),
        ),
        (_, None) => fine("This machine runs no kubelet".to_owned()),
    }
}

fn guard(guarding: &GuardView) -> Verdict {
    let (reason, message) = match (&guarding.standing, guarding.mode) {
        (Standing::Starting, _) => return unknown("The guard is starting"),
        (Standing::Down(why), _) => {
            let message = format!("The agent's guard keeps nothing for the node: {why}");
            return (
                Status::True,
                "GuardNotAtWork".to_owned(),
                sanitize(&message),
            );
        }
        (Standing::Up(kept), GuardMode::Enforce) => {
            ("PodsAreGuarded", format!("Kept for the node: {kept}"))
        }
        (Standing::Up(kept), GuardMode::Shadow) => (
            "OnlyCounted",
            format!("Would be kept for the node: {kept}; in mode shadow nothing is refused"),
        ),
    };
    (Status::False, reason.to_owned(), sanitize(&message))
}

#[cfg(test)]
#[path = "conditions_tests.rs"]
mod tests;
