//! The body of a request. Pure.

use jiff::Timestamp;
use nospace_core::amount::count;
use nospace_core::report::Severity;
use serde_json::{Value, json};

use super::queue::Notice;
use crate::agent::config::WebhookFormat;

/// Characters of a chat message: Discord takes no more, and answers 400 to a longer one.
const MAX_CHAT: usize = 2_000;
/// Of these, for the line that says how many notices were lost.
const LOST: usize = 60;

/// As many of `notices`, from the first on, as a request takes; at least one.
pub fn fitting<'n>(format: WebhookFormat, node: &str, notices: &'n [Notice]) -> &'n [Notice] {
    let mut characters = LOST;
    let fits = |notice: &&Notice| {
        characters += line(node, notice).chars().count() + 1;
        format != WebhookFormat::Slack || characters <= MAX_CHAT
    };
    let count = notices.iter().take_while(fits).count();
    &notices[..count.max(1).min(notices.len())]
}

/// The body for `notices`; `lost` were dropped before them.
pub fn body(format: WebhookFormat, node: &str, notices: &[Notice], lost: u64) -> String {
    match format {
        WebhookFormat::Slack => json!({ "text": text(node, notices, lost) }),
        WebhookFormat::Json => json!({
            "schemaVersion": 1,
            "node": node,
            "lost": lost,
            "notices": notices.iter().map(notice).collect::<Vec<_>>(),
        }),
    }
    .to_string()
}

fn notice(notice: &Notice) -> Value {
    let spec = &notice.spec;
    json!({
        "status": status(notice),
        "severity": spec.severity.map(|severity| word(severity).to_ascii_lowercase()),
        "reason": spec.reason,
        "subject": spec.subject,
        "message": spec.message,
        "at": rounded(notice.at),
    })
}

fn status(notice: &Notice) -> &'static str {
    match notice.spec.severity {
        Some(_) => "firing",
        None if notice.spec.reason.ends_with("Recovered") => "resolved",
        None => "info",
    }
}

/// A line each: the worst word and the node first, since a phone shows little more.
fn text(node: &str, notices: &[Notice], lost: u64) -> String {
    let mut lines: Vec<String> = notices.iter().map(|notice| line(node, notice)).collect();
    if lost > 0 {
        lines.push(count(
            lost,
            "earlier notice was lost",
            "earlier notices were lost",
        ));
    }
    lines.join("\n")
}

fn line(node: &str, notice: &Notice) -> String {
    let word = match (notice.spec.severity, status(notice)) {
        (Some(severity), _) => word(severity),
        (None, "resolved") => "RESOLVED",
        (None, _) => "INFO",
    };
    let message = notice.spec.message.as_str();
    let message = message.strip_prefix("Resolved: ").unwrap_or(message);
    format!("{word} {}: {}", escape(node), escape(message))
}

const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "CRITICAL",
        Severity::Warning => "WARNING",
        Severity::Info => "INFO",
    }
}

/// Slack needs these three escaped (docs.slack.dev/messaging/formatting-message-text). Mattermost and Discord notify everybody of `@all`
/// or `@everyone`, which anybody can name a process: a space without width after the `@` prevents that.
fn escape(text: &str) -> String {
    text.replace('@', "@\u{200b}")
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn rounded(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second())
        .unwrap_or(at)
        .to_string()
}
