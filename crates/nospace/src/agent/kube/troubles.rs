//! From the findings of one look after the other to what is worth an event. Pure: the time is given.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use nospace_core::report::{Finding, PodRef, Report, Severity};

use super::words::{camel, clean, message, message_to};
use crate::agent::{Raised, Seen};

/// So many troubles are followed, the worst first; a node has not more ways to break that a person would read.
const MOST: usize = 32;
/// So many pods get an event of their own for one trouble.
const MOST_PODS: usize = 3;

/// The rule of the forecast, which has a condition of its own.
const KUBELET: &str = "kubelet-start";

/// Which object an event is on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Object {
    /// This node.
    Node,
    /// A pod on it.
    Pod(PodRef),
}

/// Something happened that is worth an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// To whom.
    pub object: Object,
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
pub struct Patience {
    /// A trouble is over, or less bad, when it has been for so long.
    pub calm: Duration,
    /// A critical trouble that lasts is told again after this: the API server forgets events after an hour.
    pub critical: Duration,
    /// The same for a warning.
    pub warning: Duration,
}

impl Patience {
    /// Growth comes in bursts: that it has paused means little.
    fn of(&self, rule: &str) -> Duration {
        match rule {
            "growth" => self.calm * 10,
            _ => self.calm,
        }
    }
}

/// What tells whether two looks found the same trouble.
type Key = (String, &'static str, String);

/// A finding that is there, or was a moment ago.
#[derive(Debug)]
struct Trouble {
    severity: Severity,
    title: String,
    /// When it was last seen at all, and last seen as bad as `severity`.
    seen: Instant,
    as_bad: Instant,
    told: Instant,
    pods: BTreeSet<PodRef>,
}

/// The troubles of this node.
#[derive(Debug)]
pub struct Troubles {
    patience: Patience,
    troubles: BTreeMap<Key, Trouble>,
    raised: Vec<Raised>,
}

impl Troubles {
    /// None yet.
    #[must_use]
    pub fn new(patience: Patience) -> Self {
        Self {
            patience,
            troubles: BTreeMap::new(),
            raised: Vec::new(),
        }
    }

    /// Takes a look; what of it is news.
    pub fn take(&mut self, seen: &Seen) -> Vec<Note> {
        let mut notes = self.raised(&seen.raised);
        for finding in worth_telling(&seen.report) {
            notes.extend(self.found(finding, seen.at));
        }
        notes.extend(self.over(seen.at));
        notes
    }

    fn found(&mut self, finding: &Finding, at: Instant) -> Vec<Note> {
        let key = key(finding);
        let patience = self.patience;
        let full = self.troubles.len() >= MOST;
        let Some(trouble) = self.troubles.get_mut(&key) else {
            if full {
                return Vec::new();
            }
            let mut trouble = Trouble::new(finding, at);
            let notes = trouble.tell(finding, at);
            self.troubles.insert(key, trouble);
            return notes;
        };
        trouble.seen = at;
        trouble.title.clone_from(&finding.title);
        let again = match finding.severity {
            Severity::Critical => patience.critical,
            _ => patience.warning,
        };
        if finding.severity > trouble.severity || since(trouble.told, at) >= again {
            trouble.severity = trouble.severity.max(finding.severity);
            trouble.as_bad = at;
            return trouble.tell(finding, at);
        }
        if finding.severity == trouble.severity {
            trouble.as_bad = at;
        } else if since(trouble.as_bad, at) >= patience.of(&finding.rule) {
            trouble.severity = finding.severity;
            trouble.as_bad = at;
        }
        trouble.tell_new_pods(finding)
    }

    fn over(&mut self, at: Instant) -> Vec<Note> {
        let calm = self.patience;
        let over = |(rule, ..): &Key, t: &mut Trouble| since(t.seen, at) >= calm.of(rule);
        let over = self.troubles.extract_if(.., over);
        over.map(|((rule, _, subject), trouble)| Note {
            object: Object::Node,
            reason: format!("{}Recovered", camel(&rule)),
            message: clean(&format!("No longer so: {}", trouble.title)),
            subject,
            warning: false,
        })
        .collect()
    }

    fn raised(&mut self, raised: &[Raised]) -> Vec<Note> {
        let new = raised.iter().filter(|r| !self.raised.contains(r));
        let notes = new.map(|r| Note {
            object: Object::Node,
            subject: format!("{} {}", r.sysctl, r.to),
            warning: false,
            reason: "LimitRaised".to_owned(),
            message: clean(&format!(
                "{} raised from {} to {}: {}",
                r.sysctl, r.from, r.to, r.why
            )),
        });
        let notes = notes.collect();
        self.raised = raised.to_vec();
        notes
    }
}

impl Trouble {
    fn new(finding: &Finding, at: Instant) -> Self {
        Self {
            severity: finding.severity,
            title: finding.title.clone(),
            seen: at,
            as_bad: at,
            told: at,
            pods: BTreeSet::new(),
        }
    }

    fn tell(&mut self, finding: &Finding, at: Instant) -> Vec<Note> {
        self.told = at;
        self.pods.clear();
        let node = Note {
            object: Object::Node,
            subject: finding.subject.clone(),
            warning: true,
            reason: reason(finding),
            message: message(finding),
        };
        let mut notes = vec![node];
        notes.extend(self.tell_new_pods(finding));
        notes
    }

    /// The kubelet's start is the node's matter: the finding of the budget tells its pods.
    fn tell_new_pods(&mut self, finding: &Finding) -> Vec<Note> {
        let mut notes = Vec::new();
        if finding.rule == KUBELET {
            return notes;
        }
        // A pod of which only the uid is known has no event: the node's names it.
        let named = finding.culprit_pods.iter().filter(|p| !p.name.is_empty());
        for pod in named {
            if self.pods.len() < MOST_PODS && self.pods.insert(pod.clone()) {
                notes.push(Note {
                    object: Object::Pod(pod.clone()),
                    subject: finding.subject.clone(),
                    warning: true,
                    reason: reason(finding),
                    message: message_to(pod, finding),
                });
            }
        }
        notes
    }
}

fn since(then: Instant, now: Instant) -> Duration {
    now.saturating_duration_since(then)
}

fn key(finding: &Finding) -> Key {
    (
        finding.rule.clone(),
        finding.cause.code(),
        finding.subject.clone(),
    )
}

/// Warnings and worse; of several about one budget those that say more than "it is full".
fn worth_telling(report: &Report) -> impl Iterator<Item = &Finding> {
    let findings = || {
        let all = report.findings.iter();
        all.filter(|f| f.severity >= Severity::Warning && f.rule != "blind")
    };
    let says_all = move |f: &Finding| {
        let full =
            findings().any(|o| is_pressure(o) && o.cause == f.cause && o.severity >= f.severity);
        full && matches!(
            &*f.rule,
            "shared-budget" | "dominant-holder" | "leaked-instances"
        )
    };
    findings().filter(move |f| !says_all(f))
}

/// The rules of budgets bear the code of their cause.
fn is_pressure(finding: &Finding) -> bool {
    finding.rule == finding.cause.code()
}

/// `InotifyWatchesPressure`, and when it is as good as used up `InotifyWatchesExhausted`.
fn reason(finding: &Finding) -> String {
    let rule = camel(&finding.rule);
    match finding.severity {
        _ if finding.rule == KUBELET => format!("{rule}AtRisk"),
        _ if !is_pressure(finding) => rule,
        Severity::Critical => format!("{rule}Exhausted"),
        _ => format!("{rule}Pressure"),
    }
}

#[cfg(test)]
#[path = "troubles_tests.rs"]
mod tests;
