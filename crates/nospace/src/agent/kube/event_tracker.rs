//! From the findings of successive observations to events. Pure: the time is a parameter.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use nospace_core::report::{Finding, PodRef, Report, Rule, Severity, Subject};

use super::message::{camel_case, message, pod_message, sanitize};
use crate::agent::guard::PodAtLineNote;
use crate::agent::observation::{LimitRaise, Observation};

/// Problems that are tracked, the worst first: nobody reads more about one node.
const MAX: usize = 32;
/// Pods that get an event of their own for one problem.
const MAX_PODS: usize = 3;

/// The object that an event is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventTarget {
    /// This node.
    Node,
    /// A pod on it.
    Pod(PodRef),
}

/// An event to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventSpec {
    /// The object that it is about.
    pub object: EventTarget,
    /// Subject of the finding. With object and reason it identifies the event.
    pub subject: String,
    /// Whether its type is `Warning`, not `Normal`.
    pub warning: bool,
    /// How bad the problem is; `None` where it is over, or none.
    pub severity: Option<Severity>,
    /// Such as `InotifyWatchesExhausted`.
    pub reason: String,
    /// What happened.
    pub message: String,
}

/// When problems count as over, and when they are reported again.
#[derive(Clone, Copy, Debug)]
pub struct EventTiming {
    /// A problem counts as over, or less severe, after this long.
    pub settle_time: Duration,
    /// A lasting critical problem is reported again after this: the API server deletes events after an hour.
    pub repeat_critical: Duration,
    /// The same for a warning.
    pub repeat_warning: Duration,
}

impl EventTiming {
    /// Growth comes in bursts, so a pause means little.
    fn settle_time(&self, rule: Rule) -> Duration {
        match rule {
            Rule::Growth => self.settle_time * 10,
            _ => self.settle_time,
        }
    }
}

/// Rule, cause and subject: what makes two findings the same problem.
type Key = (Rule, &'static str, Subject);

/// A finding that is there, or was recently.
#[derive(Debug)]
struct Problem {
    severity: Severity,
    title: String,
    last_seen: Instant,
    /// When it was last as severe as `severity`.
    last_as_severe: Instant,
    last_reported: Instant,
    pods: BTreeSet<PodRef>,
}

/// The problems of this node, and which of them were reported.
#[derive(Debug)]
pub struct EventTracker {
    timing: EventTiming,
    problems: BTreeMap<Key, Problem>,
    limit_raises: Vec<LimitRaise>,
    /// Number of the last note of the guard that became an event.
    guarded: u64,
}

impl EventTracker {
    /// Tracks nothing yet.
    #[must_use]
    pub fn new(timing: EventTiming) -> Self {
        Self {
            timing,
            problems: BTreeMap::new(),
            limit_raises: Vec::new(),
            guarded: 0,
        }
    }

    /// Takes an observation and returns its new events.
    pub fn update(&mut self, observation: &Observation) -> Vec<EventSpec> {
        let mut specs = self.limit_raises(&observation.limit_raises);
        if let Some(guard) = &observation.guard {
            specs.extend(self.refused(&guard.refused));
        }
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
        } else if since(problem.last_as_severe, at) >= timing.settle_time(finding.rule) {
            problem.severity = finding.severity;
            problem.last_as_severe = at;
        }
        problem.report_to_new_pods(finding)
    }

    fn resolve(&mut self, at: Instant) -> Vec<EventSpec> {
        let timing = self.timing;
        let resolved =
            |(rule, ..): &Key, t: &mut Problem| since(t.last_seen, at) >= timing.settle_time(*rule);
        let resolved = self.problems.extract_if(.., resolved);
        resolved
            .map(|((rule, _, subject), problem)| EventSpec {
                object: EventTarget::Node,
                reason: format!("{}Recovered", camel_case(rule.name())),
                message: sanitize(&format!("Resolved: {}", problem.title)),
                subject: subject.to_string(),
                warning: false,
                severity: None,
            })
            .collect()
    }

    /// Each note is an event: the guard makes one a minute at most for a pod.
    fn refused(&mut self, notes: &[PodAtLineNote]) -> Vec<EventSpec> {
        let new = notes.iter().filter(|note| note.number > self.guarded);
        let specs = new.map(|note| EventSpec {
            object: EventTarget::Pod(note.pod.clone()),
            subject: note.resource.to_owned(),
            warning: true,
            severity: None,
            reason: "InotifyRefused".to_owned(),
            message: sanitize(&note.message),
        });
        let specs = specs.collect();
        let last = notes.last().map_or(0, |note| note.number);
        self.guarded = self.guarded.max(last);
        specs
    }

    fn limit_raises(&mut self, raises: &[LimitRaise]) -> Vec<EventSpec> {
        let new = raises.iter().filter(|r| !self.limit_raises.contains(r));
        let specs = new.map(|r| EventSpec {
            object: EventTarget::Node,
            subject: format!("{} {}", r.sysctl, r.to),
            warning: false,
            severity: None,
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
            severity: Some(finding.severity),
            reason: reason(finding),
            message: message(finding),
        };
        let mut specs = vec![node];
        specs.extend(self.report_to_new_pods(finding));
        specs
    }

    /// Not for the kubelet's start: pods are reported by the finding of the limit that they use up.
    fn report_to_new_pods(&mut self, finding: &Finding) -> Vec<EventSpec> {
        let mut specs = Vec::new();
        if finding.rule == Rule::KubeletStart {
            return specs;
        }
        // Events need a pod's name; where only the uid is known, the node's event has it.
        let named = finding.blame.pods().iter().filter(|p| !p.name.is_empty());
        for pod in named {
            if self.pods.len() < MAX_PODS && self.pods.insert(pod.clone()) {
                specs.push(EventSpec {
                    object: EventTarget::Pod(pod.clone()),
                    subject: finding.subject.to_string(),
                    warning: true,
                    severity: Some(finding.severity),
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

/// Warnings and worse, without findings that only detail one that is at least as severe.
fn worth_reporting(report: &Report) -> impl Iterator<Item = &Finding> {
    let findings = || {
        let all = report.findings.iter();
        all.filter(|f| f.severity >= Severity::Warning && f.rule != Rule::Blind)
    };
    let is_detail = move |f: &Finding| {
        let full =
            findings().any(|o| is_pressure(o) && o.cause == f.cause && o.severity >= f.severity);
        full && matches!(
            f.rule,
            Rule::SharedBudget | Rule::DominantHolder | Rule::LeakedInstances
        )
    };
    findings().filter(move |f| !is_detail(f))
}

/// The rules of most budgets bear the code of their cause.
fn is_pressure(finding: &Finding) -> bool {
    finding.rule.name() == finding.cause.code()
}

/// `InotifyWatchesPressure`, and from critical on `InotifyWatchesExhausted`.
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
