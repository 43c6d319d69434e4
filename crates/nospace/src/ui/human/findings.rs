use std::collections::HashSet;

use anstyle::Style;
use nospace_core::report::{Blame, Finding, Report, Rule, Severity};

use super::options::Options;
use crate::ui::{Line, Page, style};

/// Lines of one kind that a finding shows without -v.
const MAX_LINES: usize = 4;
const LABEL: usize = 12;

/// What is wrong, most important first; findings do not repeat each other.
pub fn draw(page: &mut Page, report: &Report, options: &Options) {
    let mut printer = Printer::new(options.verbose);
    let mut apart = true;
    // What could not be read has a section of its own.
    for finding in report.findings.iter().filter(|f| f.rule != Rule::Blind) {
        let in_a_line = finding.severity == Severity::Info && !options.verbose;
        if apart || !in_a_line {
            page.add(page.line());
        }
        apart = !in_a_line;
        title(page, finding);
        if !in_a_line {
            printer.details(page, finding);
        }
    }
}

/// Severity, cause and title.
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

/// Everything below the title.
pub fn details(page: &mut Page, finding: &Finding, verbose: bool) {
    Printer::new(verbose).details(page, finding);
}

/// Prints findings, and remembers what was printed.
struct Printer<'a> {
    verbose: bool,
    texts: HashSet<&'a str>,
    parties: HashSet<Vec<String>>,
}

impl<'a> Printer<'a> {
    fn new(verbose: bool) -> Self {
        Self {
            verbose,
            texts: HashSet::new(),
            parties: HashSet::new(),
        }
    }

    fn details(&mut self, page: &mut Page, finding: &'a Finding) {
        let label = match finding.blame {
            Blame::Groups(_) => "held by",
            Blame::Culprits(_) | Blame::Unknown => "culprit",
        };
        self.parties(page, (label, style::CULPRIT), finding.blame.names());
        self.parties(page, ("victim", style::VICTIM), finding.victims.clone());
        let new = self.new_ones(finding.remedies.iter().map(|r| (r.command.as_str(), r)));
        for (at, remedy) in new.iter().take(self.max_lines()).enumerate() {
            // The command stands alone on its line, whole, so that it can be pasted.
            let line = labelled(page, ("do", style::BOLD), at);
            page.add(line.put(style::COMMAND, &remedy.command));
            page.wrapped(page.line().pad_to(LABEL), style::DIM, &remedy.why);
        }
        self.more(page, new.len());
        let new = self.new_ones(finding.evidence.iter().map(|one| (one.as_str(), one)));
        self.list(page, ("evidence", style::DIM), style::DIM, &new);
    }

    /// Culprits or victims: never left out, if only by a reference.
    fn parties(&mut self, page: &mut Page, label: (&str, Style), all: Vec<String>) {
        if !all.is_empty() && self.parties.contains(&all) && !self.verbose {
            page.add(labelled(page, label, 0).put(style::DIM, "same as above"));
        } else {
            self.list(page, label, style::PLAIN, &all.iter().collect::<Vec<_>>());
        }
        self.parties.insert(all);
    }

    fn list(&self, page: &mut Page, label: (&str, Style), style: Style, all: &[&String]) {
        for (at, one) in all.iter().take(self.max_lines()).enumerate() {
            page.wrapped(labelled(page, label, at), style, one);
        }
        self.more(page, all.len());
    }

    /// Those whose text was not printed before.
    fn new_ones<T>(&mut self, all: impl Iterator<Item = (&'a str, T)>) -> Vec<T> {
        all.filter(|(text, _)| self.texts.insert(text) || self.verbose)
            .map(|(_, one)| one)
            .collect()
    }

    fn max_lines(&self) -> usize {
        if self.verbose { usize::MAX } else { MAX_LINES }
    }

    fn more(&self, page: &mut Page, all: usize) {
        if let Some(rest @ 1..) = all.checked_sub(self.max_lines()) {
            let line = page.line().pad_to(LABEL);
            page.add(line.put(style::DIM, &format!("and {rest} more (-v)")));
        }
    }
}

fn labelled(page: &Page, (label, color): (&str, Style), at: usize) -> Line {
    let label = if at == 0 { label } else { "" };
    page.indented().put(color, label).pad_to(LABEL)
}
