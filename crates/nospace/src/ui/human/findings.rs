use std::collections::HashSet;

use anstyle::Style;
use nospace_core::report::{Finding, Report, Severity};

use super::Options;
use crate::ui::{Line, Page, style};

/// Lines of one kind that a finding shows unless all are asked for.
const EACH: usize = 4;
const LABEL: usize = 12;

/// What is wrong, most important first. What one finding has said, the next does not say again.
pub fn draw(page: &mut Page, report: &Report, options: &Options) {
    let mut shown = Shown {
        verbose: options.verbose,
        texts: HashSet::new(),
    };
    let mut apart = true;
    // What could not be seen has a section of its own.
    for finding in report.findings.iter().filter(|f| f.rule != "blind") {
        let in_a_line = finding.severity == Severity::Info && !options.verbose;
        if apart || !in_a_line {
            page.add(page.line());
        }
        apart = !in_a_line;
        title(page, finding);
        if !in_a_line {
            shown.details(page, finding);
        }
    }
}

/// How bad, which cause, and its sentence.
pub fn title(page: &mut Page, finding: &Finding) {
    let (word, body) = match finding.severity {
        Severity::Critical => ("CRITICAL", style::BOLD),
        Severity::Warning => ("WARNING", style::BOLD),
        Severity::Info => ("INFO", style::PLAIN),
    };
    let color = style::severity(finding.severity);
    let line = page.line().put(color, word).pad_to(LABEL);
    page.wrapped(line, body, &format!("{}: {}", finding.cause, finding.title));
}

/// All that a finding says below its title.
pub fn details(page: &mut Page, finding: &Finding, verbose: bool) {
    let mut shown = Shown {
        verbose,
        texts: HashSet::new(),
    };
    shown.details(page, finding);
}

struct Shown<'a> {
    verbose: bool,
    texts: HashSet<&'a str>,
}

impl<'a> Shown<'a> {
    fn details(&mut self, page: &mut Page, finding: &'a Finding) {
        self.list(page, ("evidence", style::DIM), &finding.evidence);
        self.list(page, ("culprit", style::CULPRIT), &finding.culprits);
        self.list(page, ("victim", style::VICTIM), &finding.victims);
        let new = self.unseen(finding.remedies.iter().map(|r| (r.command.as_str(), r)));
        let label = ("do", style::BOLD);
        for (at, remedy) in new.iter().take(self.each()).enumerate() {
            // The command stands alone on its line, whole, so that it can be pasted.
            page.add(labelled(page, label, at).put(style::COMMAND, &remedy.command));
            page.wrapped(page.line().pad_to(LABEL), style::DIM, &remedy.why);
        }
        self.more(page, new.len());
    }

    fn list(&mut self, page: &mut Page, label: (&str, Style), all: &'a [String]) {
        let new = self.unseen(all.iter().map(|one| (one.as_str(), one)));
        for (at, one) in new.iter().take(self.each()).enumerate() {
            page.wrapped(labelled(page, label, at), style::PLAIN, one);
        }
        self.more(page, new.len());
    }

    /// Those whose text was not shown before.
    fn unseen<T>(&mut self, all: impl Iterator<Item = (&'a str, T)>) -> Vec<T> {
        all.filter(|(text, _)| self.texts.insert(text) || self.verbose)
            .map(|(_, one)| one)
            .collect()
    }

    fn each(&self) -> usize {
        if self.verbose { usize::MAX } else { EACH }
    }

    fn more(&self, page: &mut Page, all: usize) {
        if let Some(rest @ 1..) = all.checked_sub(self.each()) {
            let line = page.line().pad_to(LABEL);
            page.add(line.put(style::DIM, &format!("and {rest} more (-v)")));
        }
    }
}

fn labelled(page: &Page, (label, color): (&str, Style), at: usize) -> Line {
    let label = if at == 0 { label } else { "" };
    page.indented().put(color, label).pad_to(LABEL)
}
