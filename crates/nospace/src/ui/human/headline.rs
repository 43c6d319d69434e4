use nospace_core::amount::thousands;
use nospace_core::cause::Cause;
use nospace_core::model::{InotifyResource, UserNames};
use nospace_core::report::{
    Finding, GuardLine, Report, Rule, Severity, StartVerdict, Status, User,
};

use crate::ui::{Charset, Line, number, style, text};

const NAME: usize = 60;

/// One line to paste into an incident channel: node, status, figure, subject, culprit, kubelet.
#[must_use]
pub fn headline(report: &Report, charset: Charset) -> Line {
    let status = report.status();
    let name = text::shorten(&charset.clean(&report.node.name), NAME, charset);
    Line::new(charset)
        .put(style::BOLD, &format!("nospace {name}: "))
        .put(style::status(status), word(status))
        .plain(" ")
        .plain(&sentence(report, charset))
}

/// What the headline says behind the answer in one word.
#[must_use]
pub fn sentence(report: &Report, charset: Charset) -> String {
    let short = |raw: &str| text::shorten(&charset.clean(raw), NAME, charset);
    let mut said = vec![match worst(report) {
        Some(finding) => figure(report, finding),
        None => summary(report),
    }];
    if let Some((label, holder)) = worst(report).and_then(|f| f.blame.first()) {
        said.push(format!("{label} {}", short(&holder)));
    }
    said.extend(kubelet(report));
    let others = report
        .findings
        .iter()
        .filter(|f| f.severity > Severity::Info)
        .count();
    if let Some(more @ 1..) = (others as u64).checked_sub(1) {
        said.push(number::count(more, "more finding", "more findings"));
    }
    let said = said.join(", ");
    match not_covered(report) {
        Some(not_covered) => format!("{said}; {not_covered}"),
        None => said,
    }
}

/// The answer in one word.
#[must_use]
pub fn word(status: Status) -> &'static str {
    match status {
        Status::Ok(_) => "OK",
        Status::Warning => "WARNING",
        Status::Critical => "CRITICAL",
        Status::Unknown => "UNKNOWN",
    }
}

/// The most important finding, if any is worth a warning.
#[must_use]
pub fn worst(report: &Report) -> Option<&Finding> {
    let severity = report.findings.iter().map(|f| f.severity).max()?;
    let is_worst = |f: &&Finding| f.severity == severity && severity > Severity::Info;
    report.findings.iter().find(is_worst)
}

fn figure(report: &Report, finding: &Finding) -> String {
    let cause = finding.cause;
    let names = &report.user_names;
    let used = match cause {
        Cause::InotifyInstances => of_user(
            names,
            fullest(report, |u| number::percent(&u.instances)),
            |u| &u.instances,
        ),
        Cause::InotifyWatches => of_user(
            names,
            fullest(report, |u| number::percent(&u.watches)),
            |u| &u.watches,
        ),
        _ => of_resource(report, cause),
    };
    let used = used.unwrap_or_else(|| finding.title.clone());
    let kept = kept(report, finding).map_or(String::new(), |n| {
        format!(", the last {} kept from pods", thousands(n))
    });
    format!("{cause} {used}{kept}")
}

/// What a guard keeps of the budget, where that is what the finding is about.
fn kept(report: &Report, finding: &Finding) -> Option<u64> {
    let resource = InotifyResource::of_cause(finding.cause)?;
    if finding.rule != Rule::GuardReserve {
        return None;
    }
    let guards = report.guards.as_ref();
    let mut lines = report
        .users
        .iter()
        .filter_map(|user| GuardLine::of(guards, user, resource));
    Some(lines.next()?.kept)
}

fn fullest(report: &Report, percent: impl Fn(&User) -> Option<u64>) -> Option<&User> {
    let first_wins = report.users.iter().rev();
    first_wins
        .filter(|u| percent(u).is_some())
        .max_by_key(|u| percent(u))
}

fn of_user(
    names: &UserNames,
    user: Option<&User>,
    part: impl Fn(&User) -> &nospace_core::report::Budget,
) -> Option<String> {
    let budget = part(user?);
    let percent = number::percent(budget)?;
    Some(format!(
        "{} ({percent} %) {}",
        number::of_limit(budget),
        names.uid(user?.uid)
    ))
}

fn of_resource(report: &Report, cause: Cause) -> Option<String> {
    let of_cause = report.resources.iter().filter(|r| r.cause == cause);
    let fullest = of_cause.rev().max_by_key(|r| r.percent())?;
    let amounts = number::amounts(
        fullest.used,
        fullest.limit,
        &fullest.unit,
        fullest.provenance,
    );
    Some(format!(
        "{amounts} ({} %) {}",
        fullest.percent(),
        report.user_names.caption(&fullest.subject)
    ))
}

/// The node in a few words, where no finding speaks for it.
#[must_use]
pub fn summary(report: &Report) -> String {
    match report.status() {
        Status::Unknown => unknown(report),
        _ => usage(report),
    }
}

/// Causes that a line names.
const MAX_NAMED: usize = 5;

/// What an all-clear does not cover, for the end of its line.
#[must_use]
pub fn not_covered(report: &Report) -> Option<String> {
    let causes: Vec<&str> = report
        .not_covered
        .iter()
        .map(|one| one.cause.as_str())
        .collect();
    (report.status().is_well() && !causes.is_empty()).then(|| not_fully_visible(&causes))
}

/// Says of these causes, of which there is one at least, that an answer does not cover them.
#[must_use]
pub fn not_fully_visible(causes: &[&str]) -> String {
    match causes.len() {
        // One more name is no longer than its count.
        all if all <= MAX_NAMED + 1 => format!("not fully visible: {}", causes.join(", ")),
        all => format!(
            "not fully visible: {} and {} more limits",
            causes[..MAX_NAMED].join(", "),
            all - MAX_NAMED
        ),
    }
}

fn usage(report: &Report) -> String {
    let user = fullest(report, |u| {
        number::percent(&u.instances).max(number::percent(&u.watches))
    });
    let Some(user) = user else {
        return "no inotify instances in use".to_owned();
    };
    format!(
        "{} uses {} inotify instances, {} watches",
        report.user_names.uid(user.uid),
        number::of_limit(&user.instances),
        number::of_limit(&user.watches)
    )
}

/// The first thing that was not seen, and what would show it.
fn unknown(report: &Report) -> String {
    let Some(first) = report.unseen.first() else {
        return "nothing is known".to_owned();
    };
    match first.remedy() {
        Some(remedy) => format!("{remedy}: {first}"),
        None => first.to_string(),
    }
}

fn kubelet(report: &Report) -> Option<String> {
    let start = report.forecast.kubelet_start.as_ref()?;
    let found = || report.findings.iter().any(|f| f.rule == Rule::KubeletStart);
    // On a machine that is nobody's node, the kubelet is not worth a word.
    if start.kubelet_pid.is_none() && report.pods.is_empty() && !found() {
        return None;
    }
    let says = match start.verdict {
        StartVerdict::Starts => "kubelet would start",
        StartVerdict::Barely => "kubelet would barely start",
        StartVerdict::Fails => "kubelet would not start",
        StartVerdict::Unknown => "unknown whether the kubelet would start",
    };
    Some(says.to_owned())
}
