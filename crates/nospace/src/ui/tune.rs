//! What tune proposes, or did, for people.

use anstyle::Style;
use nospace_core::amount::bytes;
use nospace_core::tune::{Action, Change, State, Step, Tuning};

use super::screen::Screen;
use super::table::{Align, Cell, Table};
use super::{Page, number, style, text};

const LABEL: usize = 13;

/// Draws it: a headline, a line a key, why, the file, what wins at the next boot, and what to do.
#[must_use]
pub fn draw(tuning: &Tuning, screen: Screen, verbose: bool) -> Page {
    let mut page = Page::new(screen.width, screen.charset);
    let title = format!("nospace tune {}: {}", name(tuning, &page), headline(tuning));
    page.wrapped(page.line(), style::BOLD, &title);
    if !tuning.changes.is_empty() {
        page.add(page.line());
        table(&mut page, tuning);
        reasons(&mut page, tuning);
    }
    file(&mut page, tuning);
    boot(&mut page, tuning, verbose);
    namespaces(&mut page, tuning);
    for note in &tuning.notes {
        said(&mut page, ("note", style::DIM), style::PLAIN, note);
    }
    next(&mut page, tuning);
    page
}

fn name(tuning: &Tuning, page: &Page) -> String {
    text::shorten(&page.charset.clean(&tuning.node), 40, page.charset)
}

fn headline(tuning: &Tuning) -> String {
    let count = |state: State| {
        let of = |c: &&Change| c.live.state == state || c.persistent.state == state;
        tuning.changes.iter().filter(of).count()
    };
    let limits = |n: usize| format!("{n} limit{}", if n == 1 { "" } else { "s" });
    match tuning.action {
        _ if tuning.has_failed() => "not all was done".to_owned(),
        Action::Revert
            if tuning.is_settled()
                && count(State::Done) == 0
                && tuning.file.step.state != State::Done =>
        {
            "there is nothing to take back".to_owned()
        }
        Action::Revert if tuning.is_settled() => "taken back".to_owned(),
        Action::Revert => "would take back what tune has set (--dry-run)".to_owned(),
        _ if count(State::Planned) > 0 => {
            format!(
                "would raise {} (nothing is changed without --apply)",
                limits(count(State::Planned))
            )
        }
        _ if count(State::Done) > 0 => format!("raised {}", limits(count(State::Done))),
        _ => "nothing to do".to_owned(),
    }
}

fn table(page: &mut Page, tuning: &Tuning) {
    let mut table = Table::default()
        .names("KEY")
        .column("WAS", Align::Right)
        .column("BOOT", Align::Right)
        .column(
            if tuning.action == Action::Revert {
                "BEFORE"
            } else {
                "PROPOSED"
            },
            Align::Right,
        )
        .column("MEMORY", Align::Right)
        .column("LIVE", Align::Left)
        .column("LASTING", Align::Left);
    for change in &tuning.changes {
        let shown =
            |value: Option<u64>| value.map_or(number::UNKNOWN.to_owned(), |v| v.to_string());
        let boot = change
            .at_boot
            .as_ref()
            .map_or("-".to_owned(), |boot| boot.value.clone());
        table.row(vec![
            Cell::new(&change.key),
            Cell::new(shown(change.current)),
            Cell::new(boot),
            Cell::styled(style::BOLD, shown(change.proposed)),
            Cell::new(change.memory_bytes.map_or("-".to_owned(), bytes)),
            state(&change.live),
            state(&change.persistent),
        ]);
    }
    page.table(&table);
}

fn state(step: &Step) -> Cell {
    match step.state {
        State::Unneeded => Cell::styled(style::DIM, "ok"),
        State::Planned => Cell::new("to do"),
        State::Done => Cell::styled(style::pressure(0), "done"),
        State::Failed => Cell::styled(style::pressure(100), "failed"),
        State::Skipped => Cell::styled(style::DIM, "skipped"),
    }
}

fn reasons(page: &mut Page, tuning: &Tuning) {
    page.add(page.line());
    for change in &tuning.changes {
        let short = change.key.rsplit('.').next().unwrap_or(&change.key);
        let cost = change.memory_bytes.map_or(String::new(), |cost| {
            format!(
                "; used up by {}, it takes {}, unused nothing",
                one_of(&change.each),
                bytes(cost)
            )
        });
        said(
            page,
            ("why", style::DIM),
            style::PLAIN,
            &format!("{short}: {}{cost}", change.reason),
        );
        for (what, step) in [("live", &change.live), ("lasting", &change.persistent)] {
            if let Some(reason) = step.reason.as_ref().filter(|_| step.state == State::Failed) {
                said(
                    page,
                    ("failed", style::pressure(100)),
                    style::PLAIN,
                    &format!("{short}, {what}: {reason}"),
                );
            }
        }
        let skipped = change
            .live
            .reason
            .as_ref()
            .filter(|_| change.live.state == State::Skipped);
        if let Some(reason) = skipped.filter(|reason| !reason.starts_with("--")) {
            said(
                page,
                ("left alone", style::DIM),
                style::PLAIN,
                &format!("{short}: {reason}"),
            );
        }
    }
}

/// `each user` is one user, `the node` itself.
fn one_of(each: &str) -> String {
    each.strip_prefix("each ")
        .map_or(each.to_owned(), |one| format!("one {one}"))
}

fn file(page: &mut Page, tuning: &Tuning) {
    let file = &tuning.file;
    let what = match (tuning.action, file.step.state) {
        (_, State::Failed | State::Skipped) => file.step.reason.clone().unwrap_or_default(),
        (Action::Revert, State::Planned) => "would be deleted".to_owned(),
        (Action::Revert, State::Done) => "deleted".to_owned(),
        (_, State::Planned) if file.existed => "would be written anew".to_owned(),
        (_, State::Planned) => "would be written".to_owned(),
        (_, State::Done) => "written".to_owned(),
        (_, State::Unneeded) if file.existed => "stays as it is".to_owned(),
        (_, State::Unneeded) => return,
    };
    let body = if file.step.state == State::Failed {
        what
    } else {
        format!("{}: {what}", file.path)
    };
    said(page, ("file", style::DIM), style::PLAIN, &body);
}

/// Who else sets a key, and who wins.
fn boot(page: &mut Page, tuning: &Tuning, verbose: bool) {
    for change in &tuning.changes {
        let short = change.key.rsplit('.').next().unwrap_or(&change.key);
        for setter in &change.setters {
            let place = setter.line.map_or(setter.file.clone(), |line| {
                format!("{}:{line}", setter.file)
            });
            if let Some(advice) = &setter.advice {
                let body = format!("{short} = {} in {advice}", setter.value);
                let body = if advice.starts_with(&place) {
                    body
                } else {
                    format!("{short} = {}: {advice}", setter.value)
                };
                said(
                    page,
                    ("overrides", style::pressure(90)),
                    style::PLAIN,
                    &body,
                );
            } else if verbose || tuning.action != Action::Revert {
                let wins = change.next_boot.as_ref();
                let wins =
                    wins.is_some_and(|w| w.file == setter.file && Some(w.line) == setter.line);
                let what = if wins {
                    "this line wins at the next boot"
                } else {
                    "read earlier, or a pattern: it gives way"
                };
                said(
                    page,
                    ("also", style::DIM),
                    style::PLAIN,
                    &format!("{place} sets {short} to {}: {what}", setter.value),
                );
            }
        }
    }
}

fn namespaces(page: &mut Page, tuning: &Tuning) {
    for one in &tuning.namespaces {
        let body = format!(
            "uid {} of user namespace {} has used {} of {}: its limit is {} of that namespace, which fs.inotify.* does not reach",
            one.user.uid, one.user.user_namespace, one.used, one.limit, one.key
        );
        said(page, ("namespace", style::VICTIM), style::PLAIN, &body);
        for remedy in &one.remedies {
            let line = page.indented().put(style::BOLD, "do").pad_to(LABEL);
            page.add(line.put(style::COMMAND, &remedy.command));
        }
    }
}

fn next(page: &mut Page, tuning: &Tuning) {
    let command = match tuning.action {
        Action::Show if !tuning.is_settled() && !tuning.has_failed() => "nospace tune --apply",
        Action::Apply if tuning.file.step.state == State::Done => "nospace tune --revert",
        _ => return,
    };
    let word = if tuning.action == Action::Show {
        "do"
    } else {
        "undo"
    };
    let line = page.indented().put(style::BOLD, word).pad_to(LABEL);
    page.add(line.put(style::COMMAND, command));
}

fn said(page: &mut Page, (label, color): (&str, Style), style: Style, body: &str) {
    let line = page.indented().put(color, label).pad_to(LABEL);
    page.wrapped(line, style, body);
}
