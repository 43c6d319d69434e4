use anstyle::Style;
use nospace_core::report::{Finding, Remedy, Report, Severity};

use super::Options;
use crate::ui::{Page, style};

/// Lines of one kind that a finding shows unless all are asked for.
const EACH: usize = 4;
const LABEL: usize = 10;

/// What is wrong, most important first.
pub fn draw(page: &mut Page, report: &Report, options: &Options) {
    for finding in &report.findings {
        page.add(page.line());
        if finding.severity == Severity::Info && !options.verbose {
            title(page, finding);
        } else {
            whole(
                page,
                finding,
                if options.verbose { usize::MAX } else { EACH },
            );
        }
    }
}

fn title(page: &mut Page, finding: &Finding) {
    let (word, body) = match finding.severity {
        Severity::Critical => ("CRITICAL", style::BOLD),
        Severity::Warning => ("WARNING", style::BOLD),
        Severity::Info => ("INFO", style::PLAIN),
    };
    let color = style::severity(finding.severity);
    let code = format!("{}: ", finding.cause);
    let line = page.line().put(color, word).pad_to(LABEL + page.indent());
    page.wrapped(line, body, &format!("{code}{}", finding.title));
}

fn whole(page: &mut Page, finding: &Finding, each: usize) {
    title(page, finding);
    list(page, "evidence", style::DIM, &finding.evidence, each);
    list(page, "culprit", style::CULPRIT, &finding.culprits, each);
    list(page, "victim", style::VICTIM, &finding.victims, each);
    for (at, remedy) in finding.remedies.iter().take(each).enumerate() {
        remedied(page, remedy, at == 0);
    }
    more(page, finding.remedies.len(), each);
}

fn labelled(page: &Page, label: &str, color: Style, first: bool) -> crate::ui::Line {
    let label = if first { label } else { "" };
    page.indented()
        .put(color, label)
        .pad_to(LABEL + page.indent())
}

fn list(page: &mut Page, label: &str, color: Style, all: &[String], each: usize) {
    for (at, one) in all.iter().take(each).enumerate() {
        let line = labelled(page, label, color, at == 0);
        page.wrapped(line, style::PLAIN, one);
    }
    more(page, all.len(), each);
}

fn more(page: &mut Page, all: usize, each: usize) {
    if let Some(rest @ 1..) = all.checked_sub(each) {
        let line = page.line().pad_to(LABEL + page.indent());
        page.add(line.put(style::DIM, &format!("and {rest} more (-v)")));
    }
}

/// The command stands alone on its line, whole, so that it can be pasted.
fn remedied(page: &mut Page, remedy: &Remedy, first: bool) {
    let line = labelled(page, "do", style::BOLD, first);
    page.add(line.put(style::COMMAND, &remedy.command));
    let below = page.line().pad_to(LABEL + page.indent());
    page.wrapped(below, style::DIM, &remedy.why);
}
