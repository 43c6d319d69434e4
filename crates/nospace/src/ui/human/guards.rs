use std::time::Duration;

use anstyle::Style;
use nospace_core::amount::duration;
use nospace_core::model::{Guard, GuardMode, InotifyResource};
use nospace_core::report::{GuardLine, Report, Severity};

use crate::ui::{Charset, Line, Page, style};

/// A guard tests itself every minute.
const TESTED: u64 = 150;

/// What guards keep for the node.
pub fn draw(page: &mut Page, report: &Report) {
    let Some(guards) = &report.guards else {
        return;
    };
    for guard in &guards.running {
        page.add(page.line());
        let (says, look) = does(report, guard);
        let line = page.labelled("Guard").put(look, says).plain(": ");
        page.wrapped(line, style::PLAIN, &sentence(report, guard));
        if let Some(text) = doubt(guard) {
            let line = page.indented();
            page.wrapped(line, style::severity(Severity::Warning), &text);
        }
    }
    for why in &guards.unreadable {
        page.add(page.line());
        let line = page.labelled("Guard");
        let line = line.put(style::pressure(80), "unknown").plain(": ");
        page.wrapped(line, style::PLAIN, why);
    }
}

/// What a guard does now, in short.
fn does(report: &Report, guard: &Guard) -> (&'static str, Style) {
    match guard.mode {
        GuardMode::Enforce if is_reached(report, guard) => {
            ("pods are refused", style::pressure(100))
        }
        GuardMode::Enforce => ("refuses pods at the line", style::PLAIN),
        GuardMode::Shadow => ("shadow, refuses nothing", style::PLAIN),
    }
}

/// Each guard in one line.
pub fn lines(report: &Report, charset: Charset) -> Vec<Line> {
    let guards = report.guards.iter();
    let line = |guard: &Guard| {
        let (says, look) = does(report, guard);
        let line = Line::new(charset).put(style::BOLD, "Guard  ");
        line.put(look, says)
            .plain(": ")
            .plain(&charset.clean(&sentence(report, guard)))
    };
    let running = guards.clone().flat_map(|guards| &guards.running).map(line);
    let unreadable = guards.flat_map(|guards| &guards.unreadable).map(|why| {
        let line = Line::new(charset).put(style::BOLD, "Guard  ");
        line.put(style::pressure(80), "unknown")
            .plain(": ")
            .plain(&charset.clean(why))
    });
    running.chain(unreadable).collect()
}

/// Whether it refuses pods now.
fn is_reached(report: &Report, guard: &Guard) -> bool {
    let mut users = report.users.iter();
    users.any(|user| {
        let lines = InotifyResource::BOTH.map(|one| GuardLine::by(guard, user, one));
        lines.into_iter().flatten().any(|line| line.is_reached())
    })
}

/// `the last 100 watches and 20 instances are kept for the node (pid 41); not from pods of kube-system`
fn sentence(report: &Report, guard: &Guard) -> String {
    let limits = report.limits.as_ref();
    let each = [InotifyResource::Watches, InotifyResource::Instances];
    let kept = each.into_iter().filter_map(|one| {
        let limit = limits.map(|limits| match one {
            InotifyResource::Watches => limits.max_user_watches,
            InotifyResource::Instances => limits.max_user_instances,
        });
        let kept = match limit {
            Some(limit) => guard.kept(one, limit)?,
            None => guard.reserve[one]?,
        };
        (kept > 0).then_some((kept, one))
    });
    let kept: Vec<(u64, InotifyResource)> = kept.collect();
    let words: Vec<String> = kept.iter().map(|(n, one)| one.count(*n)).collect();
    let last = match kept.is_empty() {
        // Of a limit of 1, or where 0 was asked for.
        true => "nothing".to_owned(),
        false => format!("the last {}", words.join(" and ")),
    };
    let verb = match (guard.mode, &kept[..]) {
        (GuardMode::Shadow, _) => "would be kept",
        (GuardMode::Enforce, [] | [(1, _)]) => "is kept",
        (GuardMode::Enforce, _) => "are kept",
    };
    let mut text = format!("{last} {verb} for the node (pid {})", guard.pid);
    let exempt: Vec<&str> = guard
        .exempt_namespaces
        .iter()
        .chain(&guard.exempt_cgroups)
        .map(String::as_str)
        .collect();
    if !exempt.is_empty() {
        let more = if guard.more_exempt { " and others" } else { "" };
        text += &format!("; {}{more} may use all", exempt.join(", "));
    }
    text
}

/// What speaks against a guard that is there.
fn doubt(guard: &Guard) -> Option<String> {
    match guard.tested_seconds_ago {
        Some(ago) if ago <= TESTED => None,
        Some(ago) => Some(format!(
            "its last self-test was {} ago, and one is due every minute: see what process {} prints, or whether it hangs",
            duration(Duration::from_secs(ago)),
            guard.pid
        )),
        None => Some("it has not tested itself yet".to_owned()),
    }
}
