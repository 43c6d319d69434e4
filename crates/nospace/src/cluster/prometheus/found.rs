use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use nospace_core::amount::thousands;
use nospace_core::evidence;
use nospace_core::fleet::{
    BudgetSummary, FindingSummary, NextFull, Omitted, STALE_SECONDS, Summary, WorkloadUse,
};
use nospace_core::model::{CgroupVersion, Pair, Provenance};
use nospace_core::report::{InotifyLimits, SCHEMA_VERSION, Severity, StartVerdict, Status};
use nospace_core::workload::Workload;

use super::api::Sample;
use super::queries::Kind;

/// Values of one list that are kept, whatever a server sends.
const MOST: usize = 64;
/// A budget that will be full later than this is not worth a word, in seconds.
const NEXT_FULL_WITHIN: u64 = 7 * 24 * 3600;

/// Cause, subject and unit.
type Of = (String, String, String);

/// What the series of one instance say.
#[derive(Clone, Debug, Default)]
pub struct Found {
    node: Option<String>,
    kernel: String,
    cgroup: String,
    version: String,
    status: Option<Status>,
    age: Option<u64>,
    checks: Option<u64>,
    findings: Vec<(Severity, String)>,
    start: BTreeMap<String, u64>,
    used: BTreeMap<Of, u64>,
    limit: BTreeMap<Of, u64>,
    next_full: Option<NextFull>,
    pods: BTreeMap<(String, String), Pair<u64>>,
    sysctls: BTreeMap<String, u64>,
    inotify: Option<Provenance>,
    estimates: bool,
    partial: Vec<String>,
    down: bool,
}

impl Found {
    /// Adds what one sample says.
    pub fn add(&mut self, kind: Kind, sample: &Sample) {
        let label = |name: &str| sample.label(name).to_owned();
        let amount = sample.amount();
        match kind {
            Kind::Node => {
                self.node = Some(label("node")).filter(|node| !node.is_empty());
                (self.kernel, self.cgroup) = (label("kernel"), label("cgroup"));
            }
            Kind::Version => self.version = label("version"),
            Kind::Status => {
                let said = amount.and_then(Status::reported).unwrap_or(Status::Unknown);
                // Two series of one instance are those of two clusters, or of replicas: the worse one counts.
                self.status = self.status.max(Some(said));
            }
            // Clocks differ by a moment.
            Kind::Age => {
                let age = amount.or_else(|| sample.value().filter(|age| *age > -60.0).map(|_| 0));
                self.age = age.max(self.age);
            }
            Kind::Checks => self.checks = amount,
            Kind::Finding if self.findings.len() < MOST => {
                let severity = match sample.label("severity") {
                    "critical" => Severity::Critical,
                    _ => Severity::Warning,
                };
                self.findings.push((severity, label("cause")));
            }
            Kind::Start => insert(&mut self.start, label("__name__"), amount),
            Kind::Used(cause) => insert(&mut self.used, of(cause, sample), amount),
            Kind::Limit(cause) => insert(&mut self.limit, of(cause, sample), amount),
            Kind::FullIn => {
                self.next_full = amount
                    .filter(|s| *s < NEXT_FULL_WITHIN)
                    .map(|seconds| NextFull {
                        cause: label("cause"),
                        subject: label("subject"),
                        user_name: None,
                        seconds,
                    });
            }
            Kind::PodInstances | Kind::PodWatches if self.pods.len() < MOST => {
                let held = self
                    .pods
                    .entry((label("namespace"), label("pod")))
                    .or_default();
                match kind {
                    Kind::PodInstances => held.instances = amount.unwrap_or_default(),
                    _ => held.watches = amount.unwrap_or_default(),
                }
            }
            Kind::Sysctl => insert(&mut self.sysctls, label("sysctl"), amount),
            Kind::NotExact => {
                self.estimates = true;
                if sample.label("collector") == "inotify" {
                    self.inotify = Some(match sample.label("provenance") {
                        "estimated" => Provenance::Estimated,
                        _ => Provenance::Unavailable,
                    });
                }
            }
            Kind::Partial if self.partial.len() < MOST => self.partial.push(label("collector")),
            Kind::Down => self.down = true,
            Kind::Finding | Kind::PodInstances | Kind::PodWatches | Kind::Partial => {}
        }
    }

    /// What an OK of the agent does not cover: of any other answer these may be failures.
    fn not_covered(&self) -> Vec<String> {
        let partial: Vec<&str> = self.partial.iter().map(String::as_str).collect();
        let causes = evidence::causes_without(&partial).into_iter();
        causes.map(str::to_owned).collect()
    }

    /// The node that its agent runs on, as that says.
    pub fn node(&self) -> Option<&str> {
        self.node.as_deref()
    }

    /// Prometheus cannot scrape it.
    pub fn is_down(&self) -> bool {
        self.down
    }

    /// It is an agent's, and says something of now.
    pub fn is_fresh(&self) -> bool {
        self.node.is_some() && self.age.is_some_and(|age| age <= STALE_SECONDS)
    }

    /// Of two for one node this one counts: it says something of now, or something worse, or else is newer.
    pub fn counts_before(&self, other: &Self) -> bool {
        let rank = |found: &Self| {
            let age = Reverse(found.age.unwrap_or(u64::MAX));
            (found.node.is_some(), found.is_fresh(), found.status(), age)
        };
        rank(self) > rank(other)
    }

    /// The answer of the agent; of one that does not give it, what its findings speak for.
    fn status(&self) -> Status {
        let worst = self.findings.iter().map(|(severity, _)| *severity).max();
        self.status.unwrap_or(match worst {
            Some(Severity::Critical) => Status::Critical,
            Some(_) => Status::Warning,
            // Without findings there may be something that was not seen.
            None => Status::Unknown,
        })
    }

    /// In short, with the age of its sample in seconds; `None` without series of the agent's.
    pub fn summary(&self, now: Timestamp) -> Option<(Option<u64>, Summary)> {
        let node = self.node.clone()?;
        let inotify = self.inotify.unwrap_or(Provenance::Exact);
        let budgets = self.budgets(inotify);
        let findings = self.findings(&budgets);
        let status = self.status();
        let unseen = match (status, self.status) {
            (Status::Unknown, None) => {
                "the agent is too old to say in its metrics whether it saw everything: update it"
            }
            (Status::Unknown, _) => "something was not seen: nospace check on the node says what",
            _ => "",
        };
        let headline = match findings.first() {
            Some(finding) => finding.title.clone(),
            None if unseen.is_empty() => "no findings".to_owned(),
            None => unseen.to_owned(),
        };
        let taken = self.age.map(|age| {
            let ago = SignedDuration::from_secs(i64::try_from(age).unwrap_or(i64::MAX));
            now.checked_sub(ago).unwrap_or(now)
        });
        let cgroups = [CgroupVersion::V1, CgroupVersion::V2, CgroupVersion::Hybrid];
        let summary = Summary {
            schema_version: SCHEMA_VERSION,
            workloads: self.workloads(&node),
            node,
            kernel: self.kernel.clone(),
            cgroup_version: cgroups
                .into_iter()
                .find(|version| version.name() == self.cgroup)
                .unwrap_or_default(),
            nospace_version: self.version.clone(),
            taken_at: taken.map_or_else(String::new, |at| {
                at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
            }),
            status,
            headline,
            kubelet_start: self.kubelet_start(),
            more_pods: None,
            guard: None,
            next_full: self.next_full.clone(),
            checks: self.checks,
            limits: self.limits(),
            findings,
            budgets,
            unseen: Some(unseen.to_owned())
                .into_iter()
                .filter(|text| !text.is_empty())
                .collect(),
            not_covered: self.not_covered(),
            workloads_provenance: inotify,
            // The queries ask for a few pods of each node: sums of them are never all.
            omitted: Omitted {
                workloads: 1,
                ..Omitted::default()
            },
        };
        Some((self.age, summary.bounded()))
    }

    fn kubelet_start(&self) -> Option<StartVerdict> {
        let figure = |name: &str| {
            let name = format!("nospace_kubelet_start_{name}");
            self.start.get(&name).copied()
        };
        let is_tight = |what: &str| {
            let needed = figure(&format!("{what}_needed"))?;
            let free = figure(&format!("{what}_free"))?;
            Some(free < needed.saturating_add(needed.div_ceil(10)))
        };
        match figure("ok") {
            Some(0) => Some(StartVerdict::Fails),
            Some(_) => match (is_tight("watches"), is_tight("instances")) {
                (Some(true), _) | (_, Some(true)) => Some(StartVerdict::Barely),
                (Some(false), Some(false)) => Some(StartVerdict::Starts),
                // A figure is missing: nobody is warned of what was not seen.
                _ => Some(StartVerdict::Unknown),
            },
            None => figure("watches_needed").map(|_| StartVerdict::Unknown),
        }
    }

    fn limits(&self) -> Option<InotifyLimits> {
        let of = |name: &str| self.sysctls.get(&format!("fs.inotify.{name}")).copied();
        Some(InotifyLimits {
            max_user_instances: of("max_user_instances")?,
            max_user_watches: of("max_user_watches")?,
            max_queued_events: of("max_queued_events")?,
        })
    }

    /// Those with both sides, the fullest first.
    fn budgets(&self, inotify: Provenance) -> Vec<BudgetSummary> {
        let budget = |(of, used): (&Of, &u64)| {
            let (cause, subject, unit) = of.clone();
            let provenance = match (cause.starts_with("inotify-"), self.estimates) {
                (true, _) => inotify,
                (false, true) => Provenance::Estimated,
                (false, false) => Provenance::Exact,
            };
            Some(BudgetSummary {
                limit: *self.limit.get(of)?,
                cause,
                subject,
                // Metrics have no names.
                user_name: None,
                used: *used,
                unit,
                provenance,
            })
        };
        let mut all: Vec<_> = self.used.iter().filter_map(budget).collect();
        all.sort_by_key(|budget| Reverse(budget.percent()));
        all
    }

    /// What the metrics say of them, with the fullest budget of the cause.
    fn findings(&self, budgets: &[BudgetSummary]) -> Vec<FindingSummary> {
        let finding = |(severity, cause): &(Severity, String)| {
            let budget = budgets.iter().find(|budget| budget.cause == *cause);
            let title = match budget {
                Some(BudgetSummary {
                    subject,
                    used,
                    limit,
                    unit,
                    ..
                }) => {
                    format!(
                        "{cause}: {subject} has used {} of {} {unit}",
                        thousands(*used),
                        thousands(*limit)
                    )
                }
                None => format!("{cause}: nospace check on the node says more"),
            };
            FindingSummary {
                cause: cause.clone(),
                rule: String::new(),
                severity: *severity,
                subject: budget
                    .map(|budget| budget.subject.clone())
                    .unwrap_or_default(),
                title,
                culprit: None,
                workload: None,
                group: None,
            }
        };
        let mut sorted: Vec<_> = self.findings.iter().collect();
        sorted.sort_by_key(|(severity, _)| Reverse(*severity));
        sorted.into_iter().map(finding).collect()
    }

    fn workloads(&self, node: &str) -> Vec<WorkloadUse> {
        let mut by: BTreeMap<Workload, (Pair<u64>, u64)> = BTreeMap::new();
        for ((namespace, pod), held) in &self.pods {
            let workload = Workload::of_pod(namespace, pod, "", node);
            let (sum, parts) = by.entry(workload).or_default();
            (*sum, *parts) = (sum.plus(*held), *parts + 1);
        }
        let mut all: Vec<_> = by
            .into_iter()
            .map(|(workload, (held, parts))| WorkloadUse {
                workload,
                instances: held.instances,
                watches: held.watches,
                parts,
            })
            .collect();
        all.sort_by_key(|one| Reverse(one.watches.saturating_add(one.instances)));
        all
    }
}

fn insert<K: Ord>(map: &mut BTreeMap<K, u64>, key: K, amount: Option<u64>) {
    if let Some(amount) = amount.filter(|_| map.len() < MOST) {
        map.insert(key, amount);
    }
}

fn of(cause: Option<&str>, sample: &Sample) -> Of {
    let label = |name: &str| sample.label(name).to_owned();
    match cause {
        Some(cause) => {
            let unit = cause.trim_start_matches("inotify-");
            let userns = sample.label("userns");
            let initial = nospace_core::model::INITIAL_USER_NAMESPACE.to_string();
            let subject = match userns == initial {
                true => format!("uid {}", label("uid")),
                false => format!("uid {} of user namespace {userns}", label("uid")),
            };
            (cause.to_owned(), subject, unit.to_owned())
        }
        None => (label("cause"), label("subject"), label("unit")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sample(name: &str, value: &str) -> Sample {
        serde_json::from_value(json!({"metric": {"__name__": name}, "value": [0, value]})).unwrap()
    }

    #[test]
    fn a_kubelet_barely_starts_only_by_figures() {
        let start = |figures: &[(&str, &str)]| {
            let mut found = Found::default();
            for (name, value) in figures {
                let name = format!("nospace_kubelet_start_{name}");
                found.add(Kind::Start, &sample(&name, value));
            }
            found.kubelet_start()
        };
        let watches = |free| {
            [
                ("ok", "1"),
                ("watches_needed", "100"),
                ("watches_free", free),
            ]
        };
        assert_eq!(start(&watches("900")), Some(StartVerdict::Unknown));
        assert_eq!(start(&watches("105")), Some(StartVerdict::Barely));
        let mut all = watches("900").to_vec();
        all.extend([("instances_needed", "4"), ("instances_free", "90")]);
        assert_eq!(start(&all), Some(StartVerdict::Starts));
        assert_eq!(start(&[("ok", "0")]), Some(StartVerdict::Fails));
    }

    #[test]
    fn of_two_series_of_an_instance_the_worse_counts() {
        for values in [["0", "2"], ["2", "0"]] {
            let mut found = Found::default();
            for value in values {
                found.add(Kind::Status, &sample("nospace_status", value));
            }
            assert_eq!(found.status, Some(Status::Critical));
        }
    }

    #[test]
    fn of_two_agents_of_a_node_the_worse_counts_unless_it_is_old() {
        let found = |status: &str, age: &str| {
            let mut found = Found::default();
            let info = json!({"metric": {"__name__": "nospace_node_info", "node": "a"}, "value": [0, "1"]});
            found.add(Kind::Node, &serde_json::from_value(info).unwrap());
            found.add(Kind::Status, &sample("nospace_status", status));
            found.add(Kind::Age, &sample("", age));
            found
        };
        let [well, bad, newer, old] = [("0", "9"), ("2", "30"), ("0", "5"), ("2", "3600")]
            .map(|(status, age)| found(status, age));
        assert!(bad.counts_before(&well) && !well.counts_before(&bad));
        assert!(newer.counts_before(&well));
        assert!(well.counts_before(&old) && !old.is_fresh());
        assert!(well.counts_before(&Found::default()));
    }
}
