//! What a guard at work shows.

use anstyle::Style;
use nospace_core::amount::{duration, thousands};
use nospace_core::model::{InotifyResource, Pair};
use nospace_core::report::Severity;

use crate::guard::{
    BudgetStatus, EndReason, GuardEnd, GuardLine, GuardMode, GuardStatus, KeptResource, OverBudget,
    PodAtLine, PodCalls, PodRef, StatusReason,
};
use crate::ui::screen::Screen;
use crate::ui::table::{Align, Cell, Table};
use crate::ui::trace::time_of_day;
use crate::ui::{Page, number, style, text};

/// Columns of the names of what is guarded.
const NAMES: usize = 13;
/// Pods in the totals.
const PODS: usize = 20;

/// One line of a guard, or a few.
#[must_use]
pub fn line(line: &GuardLine, screen: &Screen) -> Page {
    let mut page = Page::new(screen.width, screen.charset);
    match line {
        GuardLine::Status(one) => status(&mut page, one),
        GuardLine::AtLine(one) => at_line(&mut page, one),
        GuardLine::OverBudget(one) => {
            let uses: Vec<String> = one.resources.iter().map(over_budget).collect();
            let who = pod(one.pod.as_ref(), one.cgroup.as_deref());
            let verb = ("over its budget", style::PLAIN);
            about_pod(&mut page, &one.time, verb, &who, &uses.join("; "));
        }
        GuardLine::Unreadable(one) => {
            let pods = number::count(one.pods as u64, "pod", "pods");
            let text = format!(
                "could not check the budgets of {pods}, which may use any number: {}",
                one.reason
            );
            event(
                &mut page,
                &one.time,
                style::severity(Severity::Warning),
                &text,
            );
        }
        GuardLine::Skipped(one) => {
            let many = number::count(one.calls, "call", "calls");
            let text = format!(
                "{many} got past {}: pods may have cut into the reserve",
                one.hook
            );
            event(
                &mut page,
                &one.time,
                style::severity(Severity::Critical),
                &text,
            );
        }
        GuardLine::Untested(one) => {
            let text = format!("not tested this time, the guard goes on: {}", one.reason);
            event(
                &mut page,
                &one.time,
                style::severity(Severity::Warning),
                &text,
            );
        }
        GuardLine::Ended(one) => ended(&mut page, one),
    }
    page
}

fn event(page: &mut Page, time: &str, look: Style, text: &str) {
    let line = page.line().put(style::DIM, time_of_day(time)).plain("  ");
    page.wrapped(line, look, text);
}

fn status(page: &mut Page, status: &GuardStatus) {
    let does = match status.mode {
        GuardMode::Enforce => "refuses calls of pods that would cut into the reserve",
        GuardMode::Shadow => "counts calls of pods that would cut into the reserve",
    };
    let text = match status.reason {
        StatusReason::Started => format!("{does}; Ctrl-C ends it"),
        StatusReason::Minute => format!("at {}: tested, {does}", seconds(&status.time)),
        StatusReason::Changed => {
            format!(
                "at {}: a limit or the reserve has changed",
                seconds(&status.time)
            )
        }
    };
    let line = page.line().put(style::BOLD, "nospace guard: ");
    page.wrapped(line, style::PLAIN, &text);
    for one in &status.resources {
        let line = page.indented().plain(one.resource.unit()).pad_to(NAMES);
        page.wrapped(line, style::PLAIN, &kept(one, status.mode));
    }
    for one in &status.not_guarded {
        let line = page.indented().plain(one.resource.unit()).pad_to(NAMES);
        let text = format!("not guarded: {}", one.reason);
        page.wrapped(line, style::severity(Severity::Warning), &text);
    }
    pods(page, status);
    if let Some(budgets) = &status.budgets {
        let line = page.indented().plain("budgets").pad_to(NAMES);
        page.wrapped(line, style::PLAIN, &counted(budgets));
    }
}

/// `2 of 12 pods use more than 300 watches or 10 instances of root; 1 pod could not be read`
fn counted(budgets: &BudgetStatus) -> String {
    let both = InotifyResource::BOTH.into_iter().rev();
    let budget = both.filter_map(|one| Some(one.count(budgets.budget[one]?)));
    let budget = budget.collect::<Vec<_>>().join(" or ");
    let Some(pods) = budgets.pods else {
        return format!("pods that use more than {budget} of root are reported, every 10 s");
    };
    let (over, all) = (
        pods.over,
        number::count(pods.looked_at as u64, "pod", "pods"),
    );
    let verb = if over == 1 { "uses" } else { "use" };
    let mut text = format!("{over} of {all} {verb} more than {budget} of root");
    if pods.unreadable > 0 {
        text += &format!(
            "; {} could not be read",
            number::count(pods.unreadable as u64, "pod", "pods")
        );
    }
    text
}

/// `uses 310 watches of root, 10 more than its budget of 300`
#[must_use]
pub fn over_budget(one: &OverBudget) -> String {
    format!(
        "uses {} of root, {} more than its budget of {}",
        one.resource.count(one.used),
        thousands(one.used.saturating_sub(one.budget)),
        thousands(one.budget),
    )
}

/// `12:34:56` of an RFC 3339 time.
fn seconds(time: &str) -> &str {
    let time = time_of_day(time);
    time.get(..8).unwrap_or(time)
}

fn kept(one: &KeptResource, mode: GuardMode) -> String {
    let verb = match mode {
        GuardMode::Enforce => "are",
        GuardMode::Shadow => "would be",
    };
    let mut text = format!(
        "the last {} of {} {verb} kept for the node; root uses {}; by {}",
        thousands(one.kept),
        thousands(one.limit),
        thousands(one.used),
        one.hook,
    );
    if let Some(needed) = one.kubelet_needs {
        let asked = thousands(one.asked);
        text += &format!(
            "; a start of the kubelet takes {}, twice that and 64 make {asked}",
            thousands(needed)
        );
    }
    if one.kept < one.asked {
        let asked = match one.kubelet_needs {
            Some(_) => String::new(),
            None => format!("{} were asked for, ", thousands(one.asked)),
        };
        text += &format!("; {asked}but half of the limit is the most that is kept");
    }
    if one.used >= one.limit.saturating_sub(one.kept) {
        text += "; pods are at the line already";
    }
    text
}

fn pods(page: &mut Page, status: &GuardStatus) {
    let line = page.indented().plain("pods").pad_to(NAMES);
    let pods = status.pods;
    if pods.guarded + pods.exempt + pods.unknown == 0 {
        let text = "none: there is no cgroup of the kubelet's (kubepods) with a pod in it";
        page.wrapped(line, style::severity(Severity::Warning), text);
        return;
    }
    let mut text = format!("{} guarded, {} exempt", pods.guarded, pods.exempt);
    if pods.unknown == 0 {
        page.wrapped(line, style::PLAIN, &text);
        return;
    }
    text += &format!(
        ", {} of unknown namespace, which may use all (/var/log/pods does not have them)",
        pods.unknown
    );
    page.wrapped(line, style::severity(Severity::Warning), &text);
}

fn at_line(page: &mut Page, one: &PodAtLine) {
    let parts = one.resources.iter().map(|calls| {
        let unit = calls.resource.unit();
        let mut text = format!("{} for {unit}", number::count(calls.calls, "call", "calls"));
        if calls.total > calls.calls {
            text += &format!(" ({} since the start)", thousands(calls.total));
        }
        match &calls.last {
            Some(last) => {
                text += &format!(
                    ", the last by {} {} with {} of {} in use, of which {} are kept for the node",
                    last.comm,
                    last.pid,
                    thousands(last.used),
                    thousands(last.limit),
                    thousands(calls.kept),
                );
            }
            None => text += &format!("; {} are kept for the node", thousands(calls.kept)),
        }
        text
    });
    let calls: Vec<String> = parts.collect();
    let verb = match one.refused {
        true => "refused",
        false => "would have refused",
    };
    let who = pod(one.pod.as_ref(), one.cgroup.as_deref());
    let look = match one.refused {
        true => style::severity(Severity::Warning),
        false => style::PLAIN,
    };
    about_pod(page, &one.time, (verb, look), &who, &calls.join("; "));
}

/// On one line, or what it says on lines of its own.
fn about_pod(page: &mut Page, time: &str, (verb, look): (&str, Style), who: &str, says: &str) {
    let line = page
        .line()
        .put(style::DIM, time_of_day(time))
        .plain("  ")
        .put(look, verb)
        .plain("  ")
        .put(style::CULPRIT, who)
        .plain(": ");
    let says = page.charset.clean(says).into_owned();
    if line.width() + text::width(&says) <= page.width {
        page.add(line.plain(&says));
    } else {
        page.add(line);
        let below = page.line().pad_to(2 * page.indent());
        page.wrapped(below, style::PLAIN, &says);
    }
}

/// `namespace/name`, or what else is known.
fn pod(pod: Option<&PodRef>, cgroup: Option<&str>) -> String {
    match (pod, cgroup) {
        (Some(pod), _) if !pod.name.is_empty() => format!("{}/{}", pod.namespace, pod.name),
        (Some(pod), _) => format!("pod {}", pod.uid),
        (None, Some(cgroup)) => cgroup.to_owned(),
        (None, None) => "a pod that has gone".to_owned(),
    }
}

fn ended(page: &mut Page, end: &GuardEnd) {
    if let Some(why) = &end.why {
        let what = match end.reason {
            EndReason::Doubt => "a self-test failed",
            EndReason::Failed | EndReason::Stopped => "the guard cannot go on",
        };
        let text = format!("{what}, so nothing is refused any more: {why}");
        let line = page.line().put(style::BOLD, "nospace guard: ");
        page.wrapped(line, style::severity(Severity::Critical), &text);
    }
    page.heading("Total", &span(end));
    let verb = match end.mode {
        GuardMode::Enforce => "refused",
        GuardMode::Shadow => "would have been refused",
    };
    let line = page.indented();
    if end.calls == Pair::default() {
        let text = match end.mode {
            GuardMode::Enforce => "no call was refused",
            GuardMode::Shadow => "no call would have been refused",
        };
        page.add(line.plain(text));
        return;
    }
    let of = |one: InotifyResource| {
        format!(
            "{} for {}",
            number::count(end.calls[one], "call", "calls"),
            one.unit()
        )
    };
    let (watches, instances) = (of(InotifyResource::Watches), of(InotifyResource::Instances));
    page.wrapped(
        line,
        style::PLAIN,
        &format!("{watches} and {instances} {verb}"),
    );
    table(page, &end.pods);
}

/// `12 s`; empty where the times are not RFC 3339.
fn span(end: &GuardEnd) -> String {
    let time = |text: &str| text.parse::<jiff::Timestamp>().ok();
    let span = time(&end.from).zip(time(&end.until));
    let span = span.and_then(|(from, until)| until.duration_since(from).try_into().ok());
    span.map(duration).unwrap_or_default()
}

fn table(page: &mut Page, pods: &[PodCalls]) {
    let mut table = Table::default()
        .column("watches", Align::Right)
        .column("instances", Align::Right)
        .names("pod");
    for one in pods.iter().take(PODS) {
        table.row(vec![
            Cell::new(thousands(one.calls.watches)),
            Cell::new(thousands(one.calls.instances)),
            Cell::styled(style::CULPRIT, pod(one.pod.as_ref(), one.cgroup.as_deref())),
        ]);
    }
    page.table(&table);
    if let Some(more) = pods.len().checked_sub(PODS + 1) {
        let line = page.indented();
        page.add(line.put(style::DIM, &format!("{} more pods", more + 1)));
    }
}
