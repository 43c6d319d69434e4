use std::collections::HashSet;

use anstyle::Style;
use nospace_core::report::{Culprit, Finding, Report, Rule, Severity};

use super::options::Options;
use crate::ui::{Line, Page, style};

/// Lines of one kind that a finding shows unless all are asked for.
const EACH: usize = 4;
const LABEL: usize = 12;

/// What is wrong, most important first. What one finding has said, the next does not say again.
pub fn draw(page: &mut Page, report: &Report, options: &Options) {
    let mut shown = Shown::nothing(options.verbose);
    let mut apart = true;
    // What could not be seen has a section of its own.
    for finding in report.findings.iter().filter(|f| f.rule != Rule::Blind) {
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
    Shown::nothing(verbose).details(page, finding);
}

struct Shown<'a> {
    verbose: bool,
    texts: HashSet<&'a str>,
    people: HashSet<Vec<String>>,
}

impl<'a> Shown<'a> {
    fn nothing(verbose: bool) -> Self {
        Self {
            verbose,
            texts: HashSet::new(),
            people: HashSet::new(),
        }
    }

    fn details(&mut self, page: &mut Page, finding: &'a Finding) {
        let culprits = finding.culprits.iter().map(Culprit::to_string).collect();
        self.people(page, ("culprit", style::CULPRIT), culprits);
        self.people(page, ("victim", style::VICTIM), finding.victims.clone());
        let new = self.unseen(finding.remedies.iter().map(|r| (r.command.as_str(), r)));
        for (at, remedy) in new.iter().take(self.each()).enumerate() {
            // The command stands alone on its line, whole, so that it can be pasted.
            let line = labelled(page, ("do", style::BOLD), at);
            page.add(line.put(style::COMMAND, &remedy.command));
            page.wrapped(page.line().pad_to(LABEL), style::DIM, &remedy.why);
        }
        self.more(page, new.len());
        let new = self.unseen(finding.evidence.iter().map(|one| (one.as_str(), one)));
        self.list(page, ("evidence", style::DIM), style::DIM, &new);
    }

    /// Who holds, or who is refused: always said, if only in two words.
    fn people(&mut self, page: &mut Page, label: (&str, Style), all: Vec<String>) {
        if !all.is_empty() && self.people.contains(&all) && !self.verbose {
            page.add(labelled(page, label, 0).put(style::DIM, "same as above"));
        } else {
            self.list(page, label, style::PLAIN, &all.iter().collect::<Vec<_>>());
        }
        self.people.insert(all);
    }

    fn list(&self, page: &mut Page, label: (&str, Style), style: Style, all: &[&String]) {
        for (at, one) in all.iter().take(self.each()).enumerate() {
            page.wrapped(labelled(page, label, at), style, one);
        }
        self.more(page, all.len());
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
