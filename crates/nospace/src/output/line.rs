use nospace_core::matter::Matter;
use nospace_core::report::{Finding, Report};

use super::{Format, Write};
use crate::ui::human::{not_covered, summary, word, worst};
use crate::ui::{Charset, text};

pub const FORMAT: Format = Format {
    name: "line",
    help: "One line, the most important first, for monitoring systems",
    write: Write::Check(|check, out| writeln!(out, "{}", line(check.report, check.only))),
};

/// Bytes of a message that node-problem-detector keeps.
const KEPT: usize = 80;

/// One line for programs that cut it: how bad, about what, and who holds are among its first 80 bytes.
///
/// `CRITICAL inotify-watches by pod logging/promtail-h4wzq: 1 instance, 22,769 watches; uid 0 has used …`
///
/// `asked` is what the report was judged by, if not by all.
fn line(report: &Report, asked: &[Matter]) -> String {
    let status = report.status();
    let word = word(status);
    let said = match worst(report) {
        Some(finding) => about(finding, KEPT.saturating_sub(word.len() + 1)),
        None if status.is_well() && !asked.is_empty() => {
            format!("no findings for {}", list(asked))
        }
        None => match not_covered(report) {
            Some(not_covered) => format!("{}; {not_covered}", summary(report)),
            None => summary(report),
        },
    };
    // One byte a column: what is cut is cut between characters.
    Charset::Ascii.clean(&format!("{word} {said}")).into_owned()
}

fn list(asked: &[Matter]) -> String {
    let names: Vec<String> = asked.iter().map(Matter::to_string).collect();
    names.join(", ")
}

/// The finding with its holder, whose name ends within `room`.
fn about(finding: &Finding, room: usize) -> String {
    let matter = Matter::of(finding);
    let Some(culprit) = finding.blame.culprits().first() else {
        return match finding.blame.first() {
            Some((label, group)) => format!("{matter}: {label} {group}; {}", finding.title),
            None => format!("{matter}: {}", finding.title),
        };
    };
    let start = format!("{matter} by ");
    let name = Charset::Ascii.clean(&culprit.name);
    let name = text::shorten(&name, room.saturating_sub(start.len()), Charset::Ascii);
    let amount = culprit.amount.as_ref();
    let amount = amount.map_or_else(String::new, |amount| format!(": {amount}"));
    format!("{start}{name}{amount}; {}", finding.title)
}

#[cfg(test)]
mod tests {
    use nospace_core::cause::Cause;
    use nospace_core::report::{Blame, Culprit, Rule, Severity, Subject};

    use super::*;

    fn of(culprit: Option<(&str, &str)>) -> String {
        let finding = Finding {
            cause: Cause::InotifyInstances,
            rule: Rule::Exhaustion(Cause::InotifyInstances),
            severity: Severity::Critical,
            subject: Subject::uid(0),
            title: "uid 0 has used 128 of 128".to_owned(),
            evidence: Vec::new(),
            blame: culprit.map_or(Blame::Unknown, |(name, amount)| {
                let culprit = Culprit {
                    processes: Some("node (pid 7)".to_owned()),
                    ..Culprit::with_amount(name, amount)
                };
                Blame::only(culprit, None)
            }),
            victims: Vec::new(),
            remedies: Vec::new(),
        };
        about(&finding, KEPT)
    }

    #[test]
    fn a_holder_is_named_with_what_it_holds() {
        assert_eq!(
            of(Some(("pod shop/web-0", "100 instances, 1 watch"))),
            "inotify-instances by pod shop/web-0: 100 instances, 1 watch; uid 0 has used 128 of 128"
        );
        assert_eq!(of(None), "inotify-instances: uid 0 has used 128 of 128");
    }

    #[test]
    fn both_ends_of_the_longest_name_are_kept() {
        let name = format!("{}/{}-x7k2p", "n".repeat(63), "p".repeat(247));
        let line = of(Some((&format!("pod {name}"), "100 instances, 1 watch")));
        let kept = &line[..KEPT];
        assert!(kept.starts_with("inotify-instances by pod nnnn"), "{kept}");
        assert!(kept.ends_with("-x7k2p"), "{kept}");
    }
}
