//! From the findings of one look after the other to what is worth an event. Pure: the time is given.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use nospace_core::report::{Finding, PodRef, Report, Rule, Severity, Subject};

use super::message::{camel_case, message, pod_message, sanitize};
use crate::agent::observation::{LimitRaise, Observation};

/// So many troubles are followed, the worst first; a node has not more ways to break that a person would read.
const MAX: usize = 32;
/// So many pods get an event of their own for one trouble.
const MAX_PODS: usize = 3;

/// Which object an event is on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventTarget {
    /// This node.
    Node,
    /// A pod on it.
    Pod(PodRef),
}

/// Something happened that is worth an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventSpec {
    /// To whom.
    pub object: EventTarget,
    /// Whose budget. With object and reason it tells which event it is.
    pub subject: String,
    /// A `Warning`, or else `Normal`.
    pub warning: bool,
    /// `InotifyWatchesExhausted`.
    pub reason: String,
    /// What happened.
    pub message: String,
}

/// How long things take.
#[derive(Clone, Copy, Debug)]
pub struct EventTiming {
    /// A trouble is over, or less bad, when it has been for so long.
    pub settle_time: Duration,
    /// A critical trouble that lasts is told again after this: the API server forgets events after an hour.
    pub repeat_critical: Duration,
    /// The same for a warning.
    pub repeat_warning: Duration,
}

impl EventTiming {
    /// Growth comes in bursts: that it has paused means little.
    fn of(&self, rule: Rule) -> Duration {
        match rule {
            Rule::Growth => self.settle_time * 10,
            _ => self.settle_time,
        }
    }
}

/// What tells whether two looks found the same trouble.
type Key = (Rule, &'static str, Subject);

/// A finding that is there, or was a moment ago.
#[derive(Debug)]
struct Problem {
    severity: Severity,
    title: String,
    /// When it was last seen at all, and last seen as bad as `severity`.
    last_seen: Instant,
    last_as_severe: Instant,
    last_reported: Instant,
    pods: BTreeSet<PodRef>,
}

/// The troubles of this node.
#[derive(Debug)]
pub struct EventTracker {
    timing: EventTiming,
    problems: BTreeMap<Key, Problem>,
    limit_raises: Vec<LimitRaise>,
}

impl EventTracker {
    /// None yet.
    #[must_use]
    pub fn new(timing: EventTiming) -> Self {
        Self {
            timing,
            problems: BTreeMap::new(),
            limit_raises: Vec::new(),
        }
    }

    /// Takes a look; what of it is news.
    pub fn take(&mut self, observation: &Observation) -> Vec<EventSpec> {
        let mut specs = self.limit_raises(&observation.limit_raises);
        for finding in worth_reporting(&observation.report) {
            specs.extend(self.on_finding(finding, observation.finished_at));
        }
        specs.extend(self.resolve(observation.finished_at));
        specs
    }

    fn on_finding(&mut self, finding: &Finding, at: Instant) -> Vec<EventSpec> {
        let key = key(finding);
        let timing = self.timing;
        let full = self.problems.len() >= MAX;
        let Some(problem) = self.problems.get_mut(&key) else {
            if full {
                return Vec::new();
            }
            let mut problem = Problem::new(finding, at);
            let specs = problem.report(finding, at);
            self.problems.insert(key, problem);
            return specs;
        };
        problem.last_seen = at;
        problem.title.clone_from(&finding.title);
        let again = match finding.severity {
            Severity::Critical => timing.repeat_critical,
            _ => timing.repeat_warning,
        };
        if finding.severity > problem.severity || since(problem.last_reported, at) >= again {
            problem.severity = problem.severity.max(finding.severity);
            problem.last_as_severe = at;
            return problem.report(finding, at);
        }
        if finding.severity == problem.severity {
            problem.last_as_severe = at;
        } else if since(problem.last_as_severe, at) >= timing.of(finding.rule) {
            problem.severity = finding.severity;
            problem.last_as_severe = at;
        }
        problem.report_to_new_pods(finding)
    }

    fn resolve(&mut self, at: Instant) -> Vec<EventSpec> {
        let timing = self.timing;
        let resolved =
            |(rule, ..): &Key, t: &mut Problem| since(t.last_seen, at) >= timing.of(*rule);
        let resolved = self.problems.extract_if(.., resolved);
        resolved
            .map(|((rule, _, subject), problem)| EventSpec {
                object: EventTarget::Node,
                reason: format!("{}Recovered", camel_case(rule.name())),
                message: sanitize(&format!("No longer so: {}", problem.title)),
                subject: subject.to_string(),
                warning: false,
            })
            .collect()
    }

    fn limit_raises(&mut self, raises: &[LimitRaise]) -> Vec<EventSpec> {
        let new = raises.iter().filter(|r| !self.limit_raises.contains(r));
        let specs = new.map(|r| EventSpec {
            object: EventTarget::Node,
            subject: format!("{} {}", r.sysctl, r.to),
            warning: false,
            reason: "LimitRaised".to_owned(),
            message: sanitize(&format!(
                "{} raised from {} to {}: {}",
                r.sysctl, r.from, r.to, r.why
            )),
        });
        let specs = specs.collect();
        self.limit_raises = raises.to_vec();
        specs
    }
}

impl Problem {
    fn new(finding: &Finding, at: Instant) -> Self {
        Self {
            severity: finding.severity,
            title: finding.title.clone(),
            last_seen: at,
            last_as_severe: at,
            last_reported: at,
            pods: BTreeSet::new(),
        }
    }

    fn report(&mut self, finding: &Finding, at: Instant) -> Vec<EventSpec> {
        self.last_reported = at;
        self.pods.clear();
        let node = EventSpec {
            object: EventTarget::Node,
            subject: finding.subject.to_string(),
            warning: true,
            reason: reason(finding),
            message: message(finding),
        };
        let mut specs = vec![node];
        specs.extend(self.report_to_new_pods(finding));
        specs
    }

    /// The kubelet's start is the node's matter: the finding of the budget tells its pods.
    fn report_to_new_pods(&mut self, finding: &Finding) -> Vec<EventSpec> {
        let mut specs = Vec::new();
        if finding.rule == Rule::KubeletStart {
            return specs;
        }
        // A pod of which only the uid is known has no event: the node's names it.
        let named = finding.culprit_pods.iter().filter(|p| !p.name.is_empty());
        for pod in named {
            if self.pods.len() < MAX_PODS && self.pods.insert(pod.clone()) {
                specs.push(EventSpec {
                    object: EventTarget::Pod(pod.clone()),
                    subject: finding.subject.to_string(),
                    warning: true,
                    reason: reason(finding),
                    message: pod_message(pod, finding),
                });
            }
        }
        specs
    }
}

fn since(then: Instant, now: Instant) -> Duration {
    now.saturating_duration_since(then)
}

fn key(finding: &Finding) -> Key {
    (finding.rule, finding.cause.code(), finding.subject.clone())
}

/// Warnings and worse; of several about one budget those that say more than "it is full".
fn worth_reporting(report: &Report) -> impl Iterator<Item = &Finding> {
    let findings = || {
        let all = report.findings.iter();
        all.filter(|f| f.severity >= Severity::Warning && f.rule != Rule::Blind)
    };
    let says_all = move |f: &Finding| {
        let full =
            findings().any(|o| is_pressure(o) && o.cause == f.cause && o.severity >= f.severity);
        full && matches!(
            f.rule,
            Rule::SharedBudget | Rule::DominantHolder | Rule::LeakedInstances
        )
    };
    findings().filter(move |f| !says_all(f))
}

/// The rules of most budgets bear the code of their cause.
fn is_pressure(finding: &Finding) -> bool {
    finding.rule.name() == finding.cause.code()
}

/// `InotifyWatchesPressure`, and when it is as good as used up `InotifyWatchesExhausted`.
fn reason(finding: &Finding) -> String {
    let rule = camel_case(finding.rule.name());
    match finding.severity {
        _ if finding.rule == Rule::KubeletStart => format!("{rule}AtRisk"),
        _ if !is_pressure(finding) => rule,
        Severity::Critical => format!("{rule}Exhausted"),
        _ => format!("{rule}Pressure"),
    }
}

#[cfg(test)]
#[path = "event_tracker_tests.rs"]
mod tests;
