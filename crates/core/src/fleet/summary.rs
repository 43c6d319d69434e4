use std::cmp::Reverse;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MorePods;
use crate::cause::Cause;
use crate::diff::Holdings;
use crate::growth::{self, Growth};
use crate::model::{CgroupVersion, GuardMode, InotifyResource, Provenance, Subject, percent};
use crate::report::{
    AllSeen, Finding, InotifyLimits, NotCovered, Report, Rule, SCHEMA_VERSION, Severity,
    StartVerdict, Status, Unseen, User,
};
use crate::workload::Workload;

/// Budgets of a summary at most.
pub(super) const BUDGETS: usize = 8;
/// A budget that will be full later than this is not worth a word, in seconds.
const NEXT_FULL_WITHIN: f64 = 7.0 * 24.0 * 3600.0;

/// What one node says of itself, in at most [`SUMMARY_BYTES`](super::SUMMARY_BYTES) of JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Version of this document.
    pub schema_version: u32,
    /// Name of the node, as nospace there knows it.
    pub node: String,
    /// Kernel release.
    pub kernel: String,
    /// Cgroup interface.
    pub cgroup_version: CgroupVersion,
    /// Version of the nospace that wrote this.
    pub nospace_version: String,
    /// When the check began, RFC 3339, UTC.
    pub taken_at: String,
    /// The answer in one word.
    pub status: Status,
    /// The answer in one sentence.
    pub headline: String,
    /// Whether the kubelet would start now; null where that could not be calculated.
    pub kubelet_start: Option<StartVerdict>,
    /// How many more pods inotify's limits allow; null where that is not known.
    pub more_pods: Option<MorePods>,
    /// What the guards of the node do, the strictest of them; left out without one, and where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<GuardMode>,
    /// The budget that runs out next at its present rate; null where none does within a week, or too few checks were made.
    pub next_full: Option<NextFull>,
    /// Checks that `nextFull` is based on: with fewer than 20 it is always null. Null where that is not known.
    #[serde(default)]
    pub checks: Option<u64>,
    /// The inotify limits of the initial user namespace; null where they could not be read.
    pub limits: Option<InotifyLimits>,
    /// What is wrong, most important first.
    #[serde(default)]
    pub findings: Vec<FindingSummary>,
    /// The fullest budgets, the fullest first.
    #[serde(default)]
    pub budgets: Vec<BudgetSummary>,
    /// What the answer depends on and that was not seen, in words.
    #[serde(default)]
    pub unseen: Vec<String>,
    /// Codes of the limits that the answer does not cover.
    #[serde(default)]
    pub not_covered: Vec<String>,
    /// How far the figures of `workloads` can be trusted.
    pub workloads_provenance: Provenance,
    /// Workloads with the largest share of inotify's limits, the largest first.
    #[serde(default)]
    pub workloads: Vec<WorkloadUse>,
    /// What did not fit.
    #[serde(default)]
    pub omitted: Omitted,
}

/// A finding, in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FindingSummary {
    /// Stable code of the cause.
    pub cause: String,
    /// Stable name of the rule that found it.
    pub rule: String,
    /// How bad.
    pub severity: Severity,
    /// What has the budget.
    pub subject: String,
    /// One sentence.
    pub title: String,
    /// The largest culprit, with what it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub culprit: Option<String>,
    /// What this culprit is a pod of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<Workload>,
    /// Where there is no single culprit, the largest group of holders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// A budget, in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BudgetSummary {
    /// Cause code that its exhaustion has.
    pub cause: String,
    /// What has the budget.
    pub subject: String,
    /// The name of this user in the node's /etc/passwd; left out where it has none or is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// Amount in use, in `unit`.
    pub used: u64,
    /// The limit, in `unit`.
    pub limit: u64,
    /// What is counted.
    pub unit: String,
    /// How far `used` can be trusted.
    pub provenance: Provenance,
}

/// What a workload holds on one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadUse {
    /// Who.
    #[serde(flatten)]
    pub workload: Workload,
    /// Instances.
    pub instances: u64,
    /// Watches.
    pub watches: u64,
    /// Its pods, containers or processes that hold any.
    pub parts: u64,
}

/// When a budget is full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NextFull {
    /// Cause code that its exhaustion has.
    pub cause: String,
    /// What has the budget.
    pub subject: String,
    /// The name of this user, as in a budget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// Seconds from when the check began.
    pub seconds: u64,
}

/// How much of each list did not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Omitted {
    /// Findings.
    pub findings: u64,
    /// Budgets.
    pub budgets: u64,
    /// Entries of `unseen`.
    pub unseen: u64,
    /// Entries of `notCovered`.
    pub not_covered: u64,
    /// Workloads.
    pub workloads: u64,
    /// Instances that these workloads hold.
    pub instances: u64,
    /// Watches that these workloads hold.
    pub watches: u64,
}

/// What a report does not have.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'a> {
    /// The answer in one sentence.
    pub headline: &'a str,
    /// Version of this nospace.
    pub version: &'a str,
    /// How many more pods fit.
    pub more_pods: Option<MorePods>,
    /// How fast budgets grow.
    pub growth: &'a [Growth],
}

impl Summary {
    /// The state that all of this speaks for: what the node concluded is not taken for more than what it lists.
    #[must_use]
    pub fn state(&self) -> Status {
        let worst = self.findings.iter().map(|finding| finding.severity).max();
        let found = match worst {
            Some(Severity::Critical) => Status::Critical,
            Some(Severity::Warning) => Status::Warning,
            Some(Severity::Info) | None => {
                let is_all_seen = self.unseen.is_empty() && self.omitted.unseen == 0;
                Status::without_findings(AllSeen::of_all_parts(is_all_seen))
            }
        };
        found.max(self.status)
    }

    /// In short what `report` says.
    #[must_use]
    pub fn of(report: &Report, facts: &Facts) -> Self {
        let start = report.forecast.kubelet_start.as_ref();
        Self {
            schema_version: SCHEMA_VERSION,
            node: report.node.name.clone(),
            kernel: report.node.kernel.clone(),
            cgroup_version: report.node.cgroup_version,
            nospace_version: facts.version.to_owned(),
            taken_at: report.taken_at.clone(),
            status: report.status(),
            headline: facts.headline.to_owned(),
            kubelet_start: start.map(|start| start.verdict),
            more_pods: facts.more_pods.filter(|_| accounts_are_seen(report)),
            guard: guard(report),
            next_full: next_full(report, facts.growth),
            checks: Some(
                facts
                    .growth
                    .iter()
                    .map(|one| one.samples as u64)
                    .max()
                    .unwrap_or(1),
            ),
            limits: report.limits,
            findings: findings(report),
            budgets: budgets(report),
            unseen: report.unseen.iter().map(Unseen::sentence).collect(),
            not_covered: report.not_covered.iter().map(code).collect(),
            workloads_provenance: report.inotify_provenance(),
            workloads: workloads(report),
            omitted: Omitted::default(),
        }
        .bounded()
    }

    /// The budget that the worst finding is about, else the fullest that nobody fills on purpose: a pool of huge pages is reserved for a
    /// program that takes all of it.
    #[must_use]
    pub fn fullest(&self) -> Option<&BudgetSummary> {
        let worst = self.worst();
        let of_worst = worst.and_then(|finding| {
            let mut budgets = self.budgets.iter();
            budgets.find(|b| b.cause == finding.cause && b.subject == finding.subject)
        });
        let is_reserved = |budget: &&BudgetSummary| budget.cause == Cause::Hugepages.code();
        of_worst.or_else(|| self.budgets.iter().find(|budget| !is_reserved(budget)))
    }

    /// The most important finding, if any is worth a warning.
    #[must_use]
    pub fn worst(&self) -> Option<&FindingSummary> {
        let severity = self.findings.iter().map(|f| f.severity).max()?;
        let is_worst = |f: &&FindingSummary| f.severity == severity && severity > Severity::Info;
        self.findings.iter().find(is_worst)
    }
}

fn guard(report: &Report) -> Option<GuardMode> {
    let running = &report.guards.as_ref()?.running;
    let is = |mode: &GuardMode| running.iter().any(|guard| guard.mode == *mode);
    GuardMode::ALL.into_iter().find(is)
}

/// `uid 1000 (web) of user namespace 4026532200`
fn captioned(subject: &str, user_name: Option<&str>) -> String {
    let (user, namespace) = subject
        .find(" of ")
        .map_or((subject, ""), |at| subject.split_at(at));
    user_name.map_or_else(
        || subject.to_owned(),
        |name| format!("{user} ({name}){namespace}"),
    )
}

impl NextFull {
    /// What has the budget, a user with its name.
    #[must_use]
    pub fn caption(&self) -> String {
        captioned(&self.subject, self.user_name.as_deref())
    }
}

impl BudgetSummary {
    /// What has the budget, a user with its name.
    #[must_use]
    pub fn caption(&self) -> String {
        captioned(&self.subject, self.user_name.as_deref())
    }

    /// Used share of the limit, in percent rounded down.
    #[must_use]
    pub fn percent(&self) -> u64 {
        percent(self.used, self.limit).unwrap_or(u64::MAX)
    }
}

/// All that can refuse root's watches or instances is in sight.
fn accounts_are_seen(report: &Report) -> bool {
    let hides = |unseen: &Unseen| {
        matches!(
            unseen,
            Unseen::OtherUsers { .. } | Unseen::OtherPidNamespaces | Unseen::Ancestors
        )
    };
    !report.is_blind() && !report.unseen.iter().any(hides)
}

fn code(one: &NotCovered) -> String {
    one.cause.clone()
}

fn named(report: &Report, subject: &Subject) -> Option<String> {
    report.user_names.of_subject(subject).map(str::to_owned)
}

fn next_full(report: &Report, all: &[Growth]) -> Option<NextFull> {
    let soon = all
        .iter()
        .filter(|one| one.samples >= growth::ENOUGH_SAMPLES && one.used < one.limit)
        .filter_map(|one| Some((one.full_in?, one)))
        .filter(|(full_in, _)| *full_in < NEXT_FULL_WITHIN);
    let (full_in, next) = soon.min_by(|a, b| a.0.total_cmp(&b.0))?;
    Some(NextFull {
        cause: next.cause.code().to_owned(),
        subject: next.subject.to_string(),
        user_name: named(report, &next.subject),
        seconds: growth::whole(full_in),
    })
}

fn findings(report: &Report) -> Vec<FindingSummary> {
    // `unseen` and `notCovered` say the same as the collectors' own.
    let is_said = |one: &&Finding| one.rule != Rule::Blind || one.severity > Severity::Info;
    let said = report.findings.iter().filter(is_said);
    said.map(|one| finding(report, one)).collect()
}

fn finding(report: &Report, finding: &Finding) -> FindingSummary {
    let culprit = finding.blame.culprits().first();
    // The first pod among the culprits is of the first culprit only where that is named after it.
    let pod = finding.blame.pods().first().filter(|pod| {
        let name = culprit.map(|culprit| culprit.name.as_str());
        name.is_some_and(|name| !pod.name.is_empty() && name.contains(&pod.name))
    });
    FindingSummary {
        cause: finding.cause.code().to_owned(),
        rule: finding.rule.name().to_owned(),
        severity: finding.severity,
        subject: finding.subject.to_string(),
        title: finding.title.clone(),
        culprit: culprit.map(crate::report::Culprit::short),
        workload: pod
            .map(|pod| Workload::of_pod(&pod.namespace, &pod.name, &pod.uid, &report.node.name)),
        group: finding.blame.groups().first().map(ToString::to_string),
    }
}

/// All of which both sides are known, the fullest first; of inotify the fullest two of all users before the rest.
fn budgets(report: &Report) -> Vec<BudgetSummary> {
    let of_user = |user: &User, resource: InotifyResource| {
        let budget = user.budget(resource);
        Some(BudgetSummary {
            cause: resource.cause().code().to_owned(),
            subject: user.subject().to_string(),
            user_name: report.user_names.of(user.uid).map(str::to_owned),
            used: budget.known_used()?,
            limit: budget.limit?,
            unit: resource.unit().to_owned(),
            provenance: budget.provenance,
        })
    };
    let inotify = InotifyResource::BOTH.map(|resource| {
        let users = report.users.iter().rev();
        users
            .filter_map(|user| of_user(user, resource))
            .max_by_key(BudgetSummary::percent)
    });
    let known = report
        .resources
        .iter()
        .filter(|r| r.provenance != Provenance::Unavailable);
    let mut others: Vec<_> = known
        .map(|resource| BudgetSummary {
            cause: resource.cause.code().to_owned(),
            subject: resource.subject.to_string(),
            user_name: named(report, &resource.subject),
            used: resource.used,
            limit: resource.limit,
            unit: resource.unit.clone(),
            provenance: resource.provenance,
        })
        .collect();
    others.sort_by_key(|budget| Reverse(budget.percent()));
    // Those of inotify are among the first, so that they are never what is left out.
    let kept = others.split_off(others.len().min(BUDGETS - 2));
    let mut all: Vec<_> = inotify.into_iter().flatten().chain(others).collect();
    all.sort_by_key(|budget| Reverse(budget.percent()));
    all.extend(kept);
    all
}

fn workloads(report: &Report) -> Vec<WorkloadUse> {
    let limits = report.limits.unwrap_or_default();
    let mut all: Vec<_> = Holdings::of(report)
        .by
        .into_iter()
        .map(|(workload, holding)| WorkloadUse {
            workload,
            instances: holding.holds.instances,
            watches: holding.holds.watches,
            parts: holding.parts,
        })
        .collect();
    let share = |used: u64, limit: u64| u128::from(used) * 10_000 / u128::from(limit.max(1));
    all.sort_by_key(|one| {
        let instances = share(one.instances, limits.max_user_instances);
        Reverse(instances.max(share(one.watches, limits.max_user_watches)))
    });
    all
}
