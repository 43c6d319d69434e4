use std::collections::HashSet;

use nospace_core::report::{Finding, Remedy, Report, Severity};

use super::Html;

/// What is wrong, the worst first.
pub fn problems(html: &mut Html, report: &Report) {
    section(html, report, "Findings", |found| {
        found.severity > Severity::Info
    });
}

/// What is only worth knowing.
pub fn information(html: &mut Html, report: &Report) {
    section(html, report, "Information", |found| {
        found.severity == Severity::Info
    });
}

fn section(html: &mut Html, report: &Report, title: &'static str, wanted: fn(&&Finding) -> bool) {
    let mut wanted = report.findings.iter().filter(wanted).peekable();
    if wanted.peek().is_some() {
        let mut printed = Printed::default();
        html.raw("<section><h2>").raw(title).raw("</h2>");
        wanted.for_each(|found| finding(html, found, &mut printed));
        html.raw("</section>");
    }
}

/// What one finding has said, the next does not say again.
#[derive(Default)]
struct Printed<'a> {
    people: HashSet<Vec<String>>,
    commands: HashSet<&'a str>,
}

fn finding<'a>(html: &mut Html, found: &'a Finding, printed: &mut Printed<'a>) {
    let (class, word) = match found.severity {
        Severity::Critical => ("critical", "CRITICAL"),
        Severity::Warning => ("warning", "WARNING"),
        Severity::Info => ("info", "INFO"),
    };
    html.raw("<div class=\"finding ")
        .raw(class)
        .raw("\"><h3><b>")
        .raw(word)
        .raw("</b>")
        .text(&found.title)
        .raw("</h3><div class=two>");
    list(html, "Held by", found.blame.names(), printed);
    let victims = found.victims.clone();
    list(html, "Affected", victims, printed);
    html.raw("</div>");
    let new = |remedy: &&'a Remedy| printed.commands.insert(&remedy.command);
    remedies(html, &found.remedies.iter().filter(new).collect::<Vec<_>>());
    if !found.evidence.is_empty() {
        html.raw("<details><summary>Evidence (")
            .text(found.cause.code())
            .raw(")</summary><ul>");
        items(html, &found.evidence);
        html.raw("</ul></details>");
    }
    html.raw("</div>");
}

fn list(html: &mut Html, title: &'static str, all: Vec<String>, printed: &mut Printed<'_>) {
    if all.is_empty() {
        return;
    }
    html.raw("<div><h4>").raw(title).raw("</h4>");
    // One or two are said again: that is shorter than to look for them.
    if all.len() < 3 || !printed.people.contains(&all) {
        html.raw("<ul>");
        items(html, &all);
        html.raw("</ul>");
    } else {
        html.raw("<p class=why>same as above</p>");
    }
    html.raw("</div>");
    printed.people.insert(all);
}

fn items(html: &mut Html, all: &[String]) {
    for one in all {
        html.raw("<li>").text(one).raw("</li>");
    }
}

fn remedies(html: &mut Html, all: &[&Remedy]) {
    if all.is_empty() {
        return;
    }
    html.raw("<h4>How to fix it</h4>");
    for remedy in all {
        html.raw("<pre>")
            .text(&remedy.command)
            .raw("</pre><p class=why>")
            .text(&remedy.why)
            .raw("</p>");
    }
}
