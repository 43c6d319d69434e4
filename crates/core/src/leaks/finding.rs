use super::{Leak, Pattern};
use crate::amount::thousands;
use crate::growth::span;
use crate::report::{Blame, Culprit, Finding, Rule, Severity, Share, Subject};

/// Full in less: act today.
const WARNING: f64 = 24.0 * 3600.0;
/// Full in less: act now.
const CRITICAL: f64 = 30.0 * 60.0;

/// Findings about leaks, in their order.
#[must_use]
pub fn findings(leaks: &[Leak]) -> Vec<Finding> {
    leaks.iter().map(finding).collect()
}

fn finding(leak: &Leak) -> Finding {
    let unit = leak.resource.unit();
    let full_in = leak.full_in();
    let until = match (leak.left, full_in) {
        (Some(0), _) => "; the budget is used up".to_owned(),
        (_, Some(seconds)) => format!("; the budget lasts {} at this rate", span(seconds)),
        (_, None) => String::new(),
    };
    Finding {
        cause: leak.resource.cause(),
        rule: Rule::Leak,
        severity: severity(full_in),
        subject: Subject::Caption(leak.workload.to_string()),
        title: format!(
            "{} keeps taking {}: {} more in {}{until}",
            leak.workload,
            leak.resource.noun(),
            thousands(leak.by),
            span(leak.over),
        ),
        evidence: evidence(leak),
        blame: blame(leak, unit),
        victims: Vec::new(),
        remedies: Vec::new(),
    }
}

/// A culprit only where a quarter or more of the growth is its own.
fn blame(leak: &Leak, unit: &str) -> Blame {
    let Some(share) = leak.share else {
        return Blame::Unknown;
    };
    let more = format!("{} more {unit} in {}", thousands(leak.by), span(leak.over));
    let share = Share {
        held: share,
        culprit: Culprit::with_amount(leak.workload.to_string(), more),
        pod: None,
    };
    Blame::of(100, vec![share], Vec::new)
}

/// `1,200 watches`.
fn amount(n: u64, unit: &str) -> String {
    format!("{} {unit}", thousands(n))
}

fn severity(full_in: Option<f64>) -> Severity {
    match full_in {
        Some(seconds) if seconds < CRITICAL => Severity::Critical,
        Some(seconds) if seconds < WARNING => Severity::Warning,
        _ => Severity::Info,
    }
}

fn evidence(leak: &Leak) -> Vec<String> {
    let unit = leak.resource.unit();
    let hourly = leak.per_second() * 3600.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast saturates"
    )]
    let hourly = amount(hourly.round() as u64, unit);
    let how = match leak.pattern {
        Some(Pattern::FollowsRestarts { .. }) => "with its restarts",
        _ => "steadily",
    };
    let mut evidence = vec![format!(
        "holds {} now; it grew {how}, by {hourly} an hour, over {} samples",
        amount(leak.holds, unit),
        leak.samples,
    )];
    if let (Some(share), Some(user)) = (leak.share, leak.charged) {
        evidence.push(format!(
            "{share} % of what the {} of {user} grew by",
            leak.resource.noun()
        ));
    }
    let pattern = match leak.pattern {
        Some(Pattern::InstancePerFile) => {
            "as many watches as instances: it opens an instance for each file that it watches"
                .to_owned()
        }
        Some(Pattern::EmptyInstances) => {
            "instances without watches: it opens them and does not use or close them".to_owned()
        }
        Some(Pattern::FollowsRestarts { restarts }) => format!(
            "about {} more after each of {restarts} restarts, and no more in between: what it held before a restart is not released, or \
             it finds more to watch each time",
            amount(leak.by.saturating_add(restarts / 2) / restarts.max(1), unit),
        ),
        None => return evidence,
    };
    evidence.push(pattern);
    evidence
}
