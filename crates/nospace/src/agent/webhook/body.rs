//! The body of a request. Pure.

use jiff::Timestamp;
use nospace_core::report::Severity;
use serde_json::{Value, json};

use super::queue::Notice;
use crate::agent::config::WebhookFormat;

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
    let mut lines: Vec<String> = notices
        .iter()
        .map(|notice| {
            let word = match (notice.spec.severity, status(notice)) {
                (Some(severity), _) => word(severity),
                (None, "resolved") => "RESOLVED",
                (None, _) => "INFO",
            };
            let message = notice.spec.message.as_str();
            let message = message.strip_prefix("Resolved: ").unwrap_or(message);
            format!("{word} {}: {}", escape(node), escape(message))
        })
        .collect();
    if lost > 0 {
        lines.push(format!("{} earlier notices were lost", lost));
    }
    lines.join("\n")
}

const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "CRITICAL",
        Severity::Warning => "WARNING",
        Severity::Info => "INFO",
    }
}

/// docs.slack.dev/messaging/formatting-message-text: these three steer, and nothing else does without them.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn rounded(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second())
        .unwrap_or(at)
        .to_string()
}
