use std::time::Duration;

use super::history::{ENOUGH_SAMPLES, History, Increase};
use super::rate::Growth;
use crate::amount;
use crate::attribute::View;
use crate::diagnose::when_full;
use crate::limits::{describe, inotify};
use crate::model::{InotifyResource, UserKey};
use crate::report::{
    Blame, Culprit, Finding, Rule, Severity, Share, Subject, budget_name, is_culprit,
};

/// Full in less: act today, before the night.
const WARNING: f64 = 4.0 * 3600.0;
/// Full in less: act now.
const CRITICAL: f64 = 30.0 * 60.0;
/// A forecast reaches no further than this many times the window that it is based on: half a minute does not show what comes in
/// hours.
const FURTHEST: f64 = 60.0;

/// Budgets that run out soon, the soonest first. Culprits, victims and remedies are those that the rules would name if it were full.
#[must_use]
pub fn findings(view: &View, history: &History, growth: &[Growth], seconds: f64) -> Vec<Finding> {
    let mut soon: Vec<(f64, &Growth)> = growth
        .iter()
        .filter(|g| g.samples >= ENOUGH_SAMPLES && g.used < g.limit)
        .filter_map(|g| Some((g.full_in?, g)))
        .filter(|(full_in, g)| *full_in < WARNING.min(g.over * FURTHEST))
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
    // A pool that a database fills is no trouble when it is full, nor before.
    if full.severity == Severity::Info {
        return None;
    }
    let user = user(view, growth);
    let increases = user.map(|(resource, key)| increases(view, history, resource, key, seconds));
    let increases = increases.unwrap_or_default();
    let mut found = Finding {
        rule: Rule::Growth,
        severity: if full_in < CRITICAL {
            Severity::Critical
        } else {
            Severity::Warning
        },
        title: format!(
            "{} will run out in {} at the current rate, {}{}",
            budget_name(growth.cause, &view.caption(&growth.subject)),
            span(full_in),
            rate(growth),
            share(view, &increases),
        ),
        evidence: evidence(growth),
        ..full
    };
    if let Some((resource, key)) = user.filter(|_| !increases.is_empty()) {
        let all = inotify::top(view, resource, key);
        let culprits: Vec<_> = increases.iter().map(|one| one.holder.clone()).collect();
        found.victims = inotify::victims(view, key, &all, &culprits);
        let share = |one: &Increase| Share {
            held: one.percent,
            culprit: culprit(view, one),
            pod: describe::pod(&one.holder.part),
        };
        // Here it is the growth that is divided.
        found.blame = Blame::of(100, increases.iter().map(share).collect(), Vec::new);
    }
    Some(found)
}

/// `120 watches/min`.
#[must_use]
pub fn rate(growth: &Growth) -> String {
    let amount = |rate: f64| describe::amount(whole(rate), &growth.unit);
    let per_minute = growth.per_second * 60.0;
    if per_minute >= 1.0 {
        format!("{}/min", amount(per_minute))
    } else {
        format!("{}/h", amount(per_minute * 60.0))
    }
}

/// ` (96 % of it from pod default/x)`.
fn share(view: &View, increases: &[Increase]) -> String {
    increases.first().map_or_else(String::new, |first| {
        let who = describe::part(view, &first.holder.part);
        format!(" ({} % of it from {who})", first.percent)
    })
}

fn culprit(view: &View, increase: &Increase) -> Culprit {
    let who = describe::part(view, &increase.holder.part);
    let (by, percent) = (amount::thousands(increase.by), increase.percent);
    let amount = format!(
        "{by} more in {}, {percent} % of the growth",
        span(increase.over)
    );
    Culprit::with_amount(who, amount)
}

fn evidence(growth: &Growth) -> Vec<String> {
    let used = describe::used_of(growth.used, growth.limit, &growth.unit);
    let left = describe::amount(growth.limit.saturating_sub(growth.used), &growth.unit);
    vec![
        format!("{used} in use, {left} left"),
        format!(
            "estimated from the last {} checks, over {} (median slope)",
            growth.samples,
            span(growth.over)
        ),
    ]
}

/// The user that has the budget, if it is one of inotify.
fn user(view: &View, growth: &Growth) -> Option<(InotifyResource, UserKey)> {
    let Subject::User(key) = growth.subject else {
        return None;
    };
    let known = view.user(key).is_some();
    InotifyResource::of_cause(growth.cause)
        .filter(|_| known)
        .map(|resource| (resource, key))
}

/// Holders that a quarter or more of the growth is of.
fn increases(
    view: &View,
    history: &History,
    resource: InotifyResource,
    key: UserKey,
    seconds: f64,
) -> Vec<Increase> {
    let mut all = history.increases(view, resource, key, seconds);
    all.retain(|one| is_culprit(one.percent, 100));
    all
}

/// `50 s`, `40 min`, `3 h 20 min`, `12 d`.
#[must_use]
pub fn span(seconds: f64) -> String {
    let seconds = whole(seconds);
    let whole_minutes = seconds - seconds % 60;
    amount::duration(Duration::from_secs(match whole_minutes {
        0 => seconds,
        _ => whole_minutes,
    }))
}

/// The nearest whole number; 0 for less than that.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast saturates"
)]
pub fn whole(value: f64) -> u64 {
    value.round() as u64
}
