//! What tune proposes, or did, for people.

use anstyle::Style;
use nospace_core::amount::{bytes, thousands};
use nospace_core::tune::formats::PlatformDocument;
use nospace_core::tune::{Action, Change, Step, StepState, Tuning};

use super::screen::Screen;
use super::table::{Align, Cell, Table};
use super::{Page, number, style, text};

const LABEL: usize = 13;

/// How it is drawn.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it is shown.
    pub screen: Screen,
    /// The next command: it makes the changes shown, or undoes those made.
    pub next: Option<String>,
}

/// Draws it: a headline, a line a key, why, the file, who else sets a key, and what to do.
#[must_use]
pub fn draw(tuning: &Tuning, options: &Options) -> Page {
    let mut page = Page::new(options.screen.width, options.screen.charset);
    let title = format!("nospace tune {}: {}", name(tuning, &page), headline(tuning));
    page.wrapped(page.line(), style::BOLD, &title);
    if !tuning.changes.is_empty() {
        page.add(page.line());
        table(&mut page, tuning);
        page.add(page.line());
        tuning
            .changes
            .iter()
            .for_each(|change| reasons(&mut page, tuning, change));
    }
    file(&mut page, tuning);
    tuning
        .changes
        .iter()
        .for_each(|change| others(&mut page, change));
    namespaces(&mut page, tuning);
    for note in &tuning.notes {
        said(&mut page, ("note", style::DIM), note);
    }
    document(&mut page, tuning);
    next(&mut page, tuning, options);
    page
}

/// The document of a platform, for formats that show text.
#[must_use]
pub fn platform_document(document: &PlatformDocument, screen: &Screen) -> Page {
    let mut page = Page::new(screen.width, screen.charset);
    for line in document.comments() {
        page.wrapped(page.line(), style::PLAIN, &line);
    }
    page.add(page.line());
    for line in document.document.lines() {
        page.add(page.indented().put(style::COMMAND, line));
    }
    page
}

fn name(tuning: &Tuning, page: &Page) -> String {
    text::shorten(&page.charset.clean(&tuning.node), 40, page.charset)
}

fn headline(tuning: &Tuning) -> String {
    let count = |state: StepState| {
        let of = |c: &&Change| c.live.state == state || c.persistent.state == state;
        tuning.changes.iter().filter(of).count()
    };
    let limits = |n: usize| number::count(n as u64, "limit", "limits");
    match tuning.action {
        _ if tuning.has_failed() => "some changes failed".to_owned(),
        Action::Revert
            if tuning.is_settled()
                && count(StepState::Done) == 0
                && tuning.file.step.state != StepState::Done =>
        {
            "nothing to revert".to_owned()
        }
        Action::Revert if tuning.is_settled() => "reverted".to_owned(),
        Action::Revert => "would revert what tune has set (--dry-run)".to_owned(),
        _ if count(StepState::Planned) > 0 => {
            format!(
                "would raise {} (nothing changes without --apply)",
                limits(count(StepState::Planned))
            )
        }
        _ if count(StepState::Done) > 0 => format!("raised {}", limits(count(StepState::Done))),
        _ => "nothing to do".to_owned(),
    }
}

fn table(page: &mut Page, tuning: &Tuning) {
    let (now, proposed) = match tuning.action {
        Action::Show => ("NOW", "PROPOSED"),
        Action::Apply => ("WAS", "NEW"),
        Action::Revert => ("WAS", "BEFORE"),
    };
    // What it costs is said below as well.
    let costs = !page.is_narrow() && tuning.action != Action::Revert;
    let mut table = Table::default()
        .names("KEY")
        .column(now, Align::Right)
        .column("BOOT", Align::Right)
        .column(proposed, Align::Right);
    if costs {
        table = table.column("MEMORY", Align::Right);
    }
    table = table
        .column("LIVE", Align::Left)
        .column("FILE", Align::Left);
    for change in &tuning.changes {
        let shown = |value: Option<u64>| value.map_or(number::UNKNOWN.to_owned(), thousands);
        let boot = change.at_boot.as_ref();
        let boot = boot.map_or("-".to_owned(), |boot| {
            boot.value.parse().map_or(boot.value.clone(), thousands)
        });
        let mut cells = vec![
            Cell::new(&change.key),
            Cell::new(shown(change.current)),
            Cell::new(boot),
            Cell::styled(style::BOLD, shown(change.proposed)),
        ];
        if costs {
            cells.push(Cell::new(change.memory_bytes.map_or("-".to_owned(), bytes)));
        }
        cells.extend([
            state(&change.live, "change"),
            state(&change.persistent, "write"),
        ]);
        table.row(cells);
    }
    page.table(&table);
}

/// `planned` is what is to be done.
fn state(step: &Step, planned: &'static str) -> Cell {
    match step.state {
        StepState::Unneeded => Cell::styled(style::DIM, "ok"),
        StepState::Planned => Cell::new(planned),
        StepState::Done => Cell::styled(style::pressure(0), "done"),
        StepState::Failed => Cell::styled(style::pressure(100), "failed"),
        StepState::Skipped => Cell::styled(style::DIM, "skipped"),
    }
}

fn short(change: &Change) -> &str {
    change.key.rsplit('.').next().unwrap_or(&change.key)
}

/// Why a key is raised, and what became of it that the table cannot say.
fn reasons(page: &mut Page, tuning: &Tuning, change: &Change) {
    if tuning.action != Action::Revert {
        let raised = change.proposed > change.current;
        let cost = change.memory_bytes.filter(|_| raised);
        let cost = cost.map_or(String::new(), |cost| {
            let whom = one_of(&change.each);
            format!("; costs up to {} if {whom} uses it all", bytes(cost))
        });
        let body = format!("{}: {}{cost}", short(change), change.reason);
        said(page, ("why", style::DIM), &body);
    }
    for step in [&change.live, &change.persistent] {
        let Some(reason) = &step.reason else { continue };
        let label = match step.state {
            StepState::Failed => ("failed", style::pressure(100)),
            // What an option asked for needs no word.
            StepState::Skipped if !reason.starts_with("--") => ("skipped", style::DIM),
            _ => continue,
        };
        said(page, label, &format!("{}: {reason}", short(change)));
    }
}

/// `each user` is one user, `the node` itself.
fn one_of(each: &str) -> String {
    each.strip_prefix("each ")
        .map_or(each.to_owned(), |one| format!("one {one}"))
}

fn file(page: &mut Page, tuning: &Tuning) {
    let file = &tuning.file;
    let reason = file.step.reason.clone().unwrap_or_default();
    let what = match (tuning.action, file.step.state) {
        (_, StepState::Failed) => return said(page, ("failed", style::pressure(100)), &reason),
        (_, StepState::Skipped) if file.existed => format!("unchanged ({reason})"),
        (_, StepState::Skipped) => format!("not written ({reason})"),
        (Action::Revert, StepState::Planned) => "would be deleted".to_owned(),
        (Action::Revert, StepState::Done) => "deleted".to_owned(),
        (_, StepState::Planned) if file.existed => "would be rewritten".to_owned(),
        (_, StepState::Planned) => "would be written".to_owned(),
        (_, StepState::Done) => "written".to_owned(),
        (_, StepState::Unneeded) if file.existed => "unchanged".to_owned(),
        (_, StepState::Unneeded) => return,
    };
    said(
        page,
        ("file", style::DIM),
        &format!("{}: {what}", file.path),
    );
}

/// Who else sets a key, and who wins.
fn others(page: &mut Page, change: &Change) {
    let key = short(change);
    let winner = change.next_boot.as_ref();
    for setter in &change.setters {
        let place = match setter.line {
            Some(line) => format!("{}:{line}", setter.file),
            None => setter.file.clone(),
        };
        let sets = format!("{place} sets {key} to {}", setter.value);
        match &setter.advice {
            Some(advice) => {
                let label = ("overrides", style::pressure(90));
                said(page, label, &format!("{sets}. {advice}"));
            }
            None => {
                let wins =
                    winner.is_some_and(|w| w.file == setter.file && Some(w.line) == setter.line);
                let what = if wins {
                    "wins at the next boot"
                } else {
                    "overridden"
                };
                said(page, ("also", style::DIM), &format!("{sets}; {what}"));
            }
        }
    }
}

fn namespaces(page: &mut Page, tuning: &Tuning) {
    for one in &tuning.namespaces {
        let body = format!(
            "uid {}{} in user namespace {} uses {} of {}: its limit is {} in that namespace, which fs.inotify.* does not raise",
            one.user.uid,
            one.user_name
                .as_ref()
                .map_or(String::new(), |name| format!(" ({name})")),
            one.user.user_namespace,
            thousands(one.used),
            thousands(one.limit),
            one.key
        );
        said(page, ("namespace", style::VICTIM), &body);
        for remedy in &one.remedies {
            command(page, "do", &remedy.command);
        }
    }
}

/// What belongs into the platform's own configuration stands line by line, so that it can be pasted.
fn document(page: &mut Page, tuning: &Tuning) {
    let persists = tuning.file.step.reason.as_deref() != Some("--runtime-only");
    let platform = tuning.platform.as_ref().filter(|_| persists);
    for line in platform.iter().flat_map(|p| p.document.lines()) {
        page.add(page.indented().plain("  ").put(style::COMMAND, line));
    }
}

fn next(page: &mut Page, tuning: &Tuning, options: &Options) {
    let word = match tuning.action {
        Action::Apply => "undo",
        _ => "do",
    };
    if let Some(next) = &options.next {
        command(page, word, next);
    }
}

/// A command stands alone on its line, whole, so that it can be pasted.
fn command(page: &mut Page, word: &str, text: &str) {
    let line = page.indented().put(style::BOLD, word).pad_to(LABEL);
    page.add(line.put(style::COMMAND, text));
}

fn said(page: &mut Page, (label, color): (&str, Style), body: &str) {
    let line = page.indented().put(color, label).pad_to(LABEL);
    page.wrapped(line, style::PLAIN, body);
}
