use super::history::Risen;
use super::{Growth, History, LOOKS};
use crate::attribute::View;
use crate::diagnose::{Kind, inotify, when_full, words};
use crate::model::UserKey;
use crate::report::{Finding, Severity};

/// Full in less: somebody should look today, before the night.
const WARNING: f64 = 4.0 * 3600.0;
/// Full in less: somebody must act now.
const CRITICAL: f64 = 30.0 * 60.0;
/// Looks that a finding rests on, at least: a rollout is over by then.
const LEAST: usize = LOOKS / 2;
/// Culprits that are named, and the share of the growth from which on one is, in percent.
const NAMED: usize = 4;
const SHARE: u64 = 10;

/// What is full soon, the soonest first. Who takes it, who will be refused and what to do is what the rules would say were it full.
#[must_use]
pub fn findings(view: &View, history: &History, growth: &[Growth], seconds: f64) -> Vec<Finding> {
    let mut soon: Vec<(f64, &Growth)> = growth
        .iter()
        .filter(|g| g.looks >= LEAST && g.used < g.limit)
        .filter_map(|g| Some((g.full_in?, g)))
        .filter(|(full_in, _)| *full_in < WARNING)
        .collect();
    soon.sort_by(|a, b| a.0.total_cmp(&b.0));
    soon.into_iter()
        .filter_map(|(full_in, growth)| finding(view, history, growth, full_in, seconds))
        .collect()
}

fn finding(
    view: &View,
    history: &History,
    growth: &Growth,
    full_in: f64,
    seconds: f64,
) -> Option<Finding> {
    let full = when_full(view, growth.cause, &growth.subject, &growth.unit)?;
    let user = user(view, growth);
    let risen = user.map(|(kind, key)| risen(view, history, kind, key, seconds));
    let risen = risen.unwrap_or_default();
    let mut found = Finding {
        rule: "growth".to_owned(),
        severity: if full_in < CRITICAL {
            Severity::Critical
        } else {
            Severity::Warning
        },
        title: format!(
            "{}: full in {}; grows by {}{}",
            budget(growth),
            span(full_in),
            rate(growth),
            share(view, &risen),
        ),
        evidence: evidence(growth),
        ..full
    };
    if let Some((kind, key)) = user.filter(|_| !risen.is_empty()) {
        let all = inotify::top(view, kind, key);
        let culprits: Vec<_> = risen.iter().map(|one| one.holder.clone()).collect();
        found.victims = inotify::victims(view, key, &all, &culprits);
        found.culprits = risen.iter().map(|one| culprit(view, one)).collect();
        found.culprit_pods = risen
            .iter()
            .filter_map(|one| words::pod(&one.holder.part))
            .collect();
    }
    Some(found)
}

/// `inotify watches of uid 0`, `/var/lib (inodes)`.
fn budget(growth: &Growth) -> String {
    match kind(growth) {
        Some(kind) => format!("{} of {}", kind.noun(), growth.subject),
        None => format!("{} ({})", growth.subject, growth.unit),
    }
}

fn kind(growth: &Growth) -> Option<Kind> {
    Kind::BOTH
        .into_iter()
        .find(|kind| kind.cause() == growth.cause)
}

/// `120 watches/min`.
#[must_use]
pub fn rate(growth: &Growth) -> String {
    let amount = |rate: f64| words::amount(whole(rate), &growth.unit);
    let per_minute = growth.per_second * 60.0;
    if per_minute >= 1.0 {
        format!("{}/min", amount(per_minute))
    } else {
        format!("{}/h", amount(per_minute * 60.0))
    }
}

/// `; 96 % of it is pod default/x`.
fn share(view: &View, risen: &[Risen]) -> String {
    risen.first().map_or_else(String::new, |first| {
        let who = words::part(view, &first.holder.part);
        format!("; {} % of it is {who}", first.percent)
    })
}

fn culprit(view: &View, risen: &Risen) -> String {
    let who = words::part(view, &risen.holder.part);
    let (by, percent) = (risen.by, risen.percent);
    format!(
        "{who}: {by} more in {}, {percent} % of the growth",
        span(risen.over)
    )
}

fn evidence(growth: &Growth) -> Vec<String> {
    let used = match growth.unit.as_str() {
        "bytes" => words::amount(growth.used, "bytes"),
        _ => growth.used.to_string(),
    };
    let limit = words::amount(growth.limit, &growth.unit);
    let left = words::amount(growth.limit.saturating_sub(growth.used), &growth.unit);
    vec![
        format!("{used} of {limit} in use, {left} left"),
        format!(
            "the rate is the median of the slopes between every two of the last {} looks, {} in all (estimated)",
            growth.looks,
            span(growth.over)
        ),
    ]
}

/// Whose inotify budget it is, if it is one.
fn user(view: &View, growth: &Growth) -> Option<(Kind, UserKey)> {
    let mut keys = view.users.iter().map(words::key);
    let key = keys.find(|key| words::user(*key) == growth.subject);
    kind(growth).zip(key)
}

/// Those whose use rose, as far as they matter.
fn risen(view: &View, history: &History, kind: Kind, key: UserKey, seconds: f64) -> Vec<Risen> {
    let mut all = history.risen(view, kind, key, seconds);
    all.retain(|one| one.percent >= SHARE);
    all.truncate(NAMED);
    all
}

/// `50 s`, `40 min`, `3 h 20 min`, `12 d`.
#[must_use]
pub fn span(seconds: f64) -> String {
    let seconds = whole(seconds);
    if seconds >= 48 * 3600 {
        return format!("{} d", seconds / 86_400);
    }
    match (seconds / 3600, seconds / 60 % 60, seconds) {
        (0, 0, s) => format!("{s} s"),
        (0, min, _) => format!("{min} min"),
        (h, 0, _) => format!("{h} h"),
        (h, min, _) => format!("{h} h {min} min"),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast saturates"
)]
fn whole(value: f64) -> u64 {
    value.round() as u64
}
