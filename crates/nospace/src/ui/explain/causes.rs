use nospace_core::amount::thousands;
use nospace_core::explain::{ExplainedCause, Explanation, LineRef, Match, Summary, Verdict};
use nospace_core::report::{Finding, Severity, Status};
use nospace_core::signatures::Confidence;

use super::highlight::highlight;
use crate::ui::screen::Screen;
use crate::ui::{Page, human, number, style};

const LABEL: usize = 12;
/// Examples of one cause, unless all are asked for.
const EXAMPLES: usize = 3;

/// Of each cause: what the log says, examples and their effects, what the node says, then what to do.
#[must_use]
pub fn causes(said: &Explanation, summary: &Summary, screen: &Screen, verbose: bool) -> Page {
    let mut page = Page::new(screen.width, screen.charset);
    headline(&mut page, said);
    for (cause, finding) in said.causes.iter().zip(&said.findings) {
        page.add(page.line());
        human::finding_title(&mut page, finding);
        details(&mut page, cause, summary, verbose);
        let rest = Finding {
            evidence: Vec::new(),
            victims: Vec::new(),
            ..finding.clone()
        };
        human::finding_details(&mut page, &rest, verbose);
    }
    page
}

fn headline(page: &mut Page, said: &Explanation) {
    let lines: u64 = said.sources.iter().map(|s| s.lines).sum();
    let unread = said.sources.iter().filter(|s| s.error.is_some()).count();
    let status = said.status();
    let (word, look) = match said.severity() {
        None if status.is_well() => ("OK", style::status(status)),
        None => ("UNKNOWN", style::status(Status::Unknown)),
        Some(severity @ Severity::Critical) => ("CRITICAL", style::severity(severity)),
        Some(severity) => ("WARNING", style::severity(severity)),
    };
    let mut text = if said.causes.is_empty() {
        match lines {
            0 => "no input".to_owned(),
            n => format!("nothing found in {}", number::count(n, "line", "lines")),
        }
    } else {
        let matched = said.causes.iter().map(|c| c.lines).sum();
        let codes: Vec<&str> = said
            .causes
            .iter()
            .map(|c| c.decided.unwrap_or(c.cause).code())
            .collect();
        format!(
            "{}: {} in {}",
            codes.join(", "),
            number::count(matched, "error", "errors"),
            number::count(lines, "line", "lines")
        )
    };
    if unread > 0 {
        text.push_str(&format!(
            "; {} could not be read in full",
            number::count(unread as u64, "log", "logs")
        ));
    }
    let line = page.line().put(look, word).pad_to(LABEL);
    page.wrapped(line, style::BOLD, &text);
}

fn details(page: &mut Page, cause: &ExplainedCause, summary: &Summary, verbose: bool) {
    say(page, "program", &cause.programs.join(", "));
    say(page, "when", &when(cause));
    say(page, "lines", &places(cause));
    let most = if verbose { usize::MAX } else { EXAMPLES };
    for (kind, hit) in summary.samples(cause.cause, most) {
        let before = page.indented().put(style::DIM, "example").pad_to(LABEL);
        highlight(page, before, &hit.message, &hit.telling);
        say(page, "evidence", &evidence(&kind.signature, &hit.meaning));
        say(page, "effect", kind.note.as_deref().unwrap_or_default());
    }
    say(page, "object", &cause.objects.join(", "));
    say(page, "pod", &cause.pods.join(", "));
    say(page, "limit", &limit(cause));
    say(page, "certainty", &certainty(cause));
    say(page, "node", &node(cause));
}

/// What the answer was made of.
fn evidence(signature: &str, meaning: &Match) -> String {
    match meaning.signature {
        Some(_) => format!("known message {signature}"),
        None => meaning.reasons.join("; "),
    }
}

/// The limit that a program printed: what it met then, which may have been raised since.
fn limit(cause: &ExplainedCause) -> String {
    cause.limit.map_or_else(String::new, |limit| {
        format!("{}, says the program", thousands(limit))
    })
}

fn say(page: &mut Page, label: &str, text: &str) {
    if !text.is_empty() {
        let line = page.indented().put(style::DIM, label).pad_to(LABEL);
        page.wrapped(line, style::PLAIN, text);
    }
}

fn when(cause: &ExplainedCause) -> String {
    match (&cause.first, &cause.last) {
        (Some(first), Some(last)) if first != last => format!("first {first}, last {last}"),
        (Some(first), _) => first.clone(),
        _ => String::new(),
    }
}

fn places(cause: &ExplainedCause) -> String {
    let place = |l: &LineRef| format!("{}:{}", l.source, l.number);
    let mut text = thousands(cause.lines);
    if cause.times > cause.lines {
        text.push_str(&format!(" ({} with repeats)", thousands(cause.times)));
    }
    text.push_str(&format!(", {}", place(&cause.first_line)));
    if cause.first_line.source != cause.last_line.source {
        text.push_str(&format!(" to {}", place(&cause.last_line)));
    } else if cause.first_line != cause.last_line {
        text.push_str(&format!(" to {}", cause.last_line.number));
    }
    text
}

fn certainty(cause: &ExplainedCause) -> String {
    let others: Vec<&str> = cause
        .candidates
        .iter()
        .filter(|c| **c != cause.cause)
        .map(|c| c.code())
        .collect();
    let word = cause.confidence.word();
    let others = others.join(", ");
    match cause.confidence {
        _ if others.is_empty() => word.to_owned(),
        Confidence::Certain => {
            format!("{word} for some of the lines; others can also mean {others}")
        }
        _ => format!("{word}; the same message can also mean {others}"),
    }
}

fn node(cause: &ExplainedCause) -> String {
    let word = match (cause.node, cause.decided) {
        (Verdict::Contradicts, Some(decided)) => format!("contradicts: it is {decided}"),
        (verdict, _) => verdict.word().to_owned(),
    };
    if cause.node_says.is_empty() {
        return match cause.node {
            Verdict::Unknown => "not checked".to_owned(),
            _ => word,
        };
    }
    format!("{word}: {}", cause.node_says.join("; "))
}
