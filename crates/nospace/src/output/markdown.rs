//! Markdown, for tickets and chat.

use std::fmt::Write as _;

use nospace_core::report::{Finding, Report};

use super::{Format, Write};
use crate::ui::markdown::plain;
use crate::ui::{Charset, human, number};

pub(super) const FORMAT: Format = Format {
    name: "markdown",
    help: "Markdown, for tickets and chat",
    write: Write::Check(|check, out| out.write_all(report(check.report).as_bytes())),
};

/// The state of the node, the use of inotify, and each finding with its holders, victims, remedies and evidence.
pub fn report(report: &Report) -> String {
    let word = human::word(report.status());
    let sentence = human::sentence(report, Charset::Unicode);
    let mut out = format!(
        "## nospace {}: {word}\n\n{}\n\n| user | instances | watches |\n|---|---:|---:|\n",
        plain(&report.node.name),
        plain(&sentence)
    );
    for user in &report.users {
        let (instances, watches) = (&user.instances, &user.watches);
        let cells = [instances, watches].map(|budget| plain(&number::of_limit(budget)));
        let _ = writeln!(
            out,
            "| {} | {} |",
            plain(&report.user_names.caption(&user.subject())),
            cells.join(" | ")
        );
    }
    report
        .findings
        .iter()
        .for_each(|one| finding(one, &mut out));
    let _ = writeln!(
        out,
        "\n{}, kernel {}",
        plain(&report.taken_at),
        plain(&report.node.kernel)
    );
    out
}

fn finding(finding: &Finding, out: &mut String) {
    let (severity, cause) = (finding.severity.name(), finding.cause);
    let _ = writeln!(
        out,
        "\n### {severity}: {cause}\n\n{}\n",
        plain(&finding.title)
    );
    let holders = finding.blame.names().into_iter().map(|h| ("Held by", h));
    let victims = finding.victims.iter().map(|v| ("Victim", v.clone()));
    let evidence = finding.evidence.iter().map(|e| ("Evidence", e.clone()));
    for (label, text) in holders.chain(victims).chain(evidence) {
        let _ = writeln!(out, "- {label}: {}", plain(&text));
    }
    for remedy in &finding.remedies {
        let command = Charset::Unicode.clean(&remedy.command);
        let _ = writeln!(out, "\n{}\n\n    {command}", plain(&remedy.why));
    }
}
