//! The palette: the sixteen colours that a rescue console has as well.

use anstyle::{AnsiColor, Effects, Style};
use nospace_core::report::{Severity, Status};

/// The terminal's own style.
pub const PLAIN: Style = Style::new();
/// Headings and key facts.
pub const BOLD: Style = Style::new().effects(Effects::BOLD);
/// Details.
pub const DIM: Style = Style::new().effects(Effects::DIMMED);
/// Commands to paste.
pub const COMMAND: Style = AnsiColor::Cyan.on_default();
/// Who uses a resource up.
pub const CULPRIT: Style = AnsiColor::Magenta.on_default().effects(Effects::BOLD);
/// Who gets errors.
pub const VICTIM: Style = AnsiColor::Blue.on_default().effects(Effects::BOLD);

const GOOD: Style = AnsiColor::Green.on_default();
const WARNING: Style = AnsiColor::Yellow.on_default();
const CRITICAL: Style = AnsiColor::Red.on_default();

/// The colour of a share of a limit: the bounds of [`Severity`].
#[must_use]
pub fn pressure(percent: u64) -> Style {
    match percent {
        95.. => CRITICAL,
        80..95 => WARNING,
        _ => GOOD,
    }
}

/// The colour of a finding.
#[must_use]
pub fn severity(severity: Severity) -> Style {
    match severity {
        Severity::Critical => CRITICAL.effects(Effects::BOLD),
        Severity::Warning => WARNING.effects(Effects::BOLD),
        Severity::Info => BOLD,
    }
}

/// The colour of the status.
#[must_use]
pub fn status(status: Status) -> Style {
    match status {
        Status::Ok(_) => GOOD.effects(Effects::BOLD),
        Status::Warning | Status::Unknown => severity(Severity::Warning),
        Status::Critical => severity(Severity::Critical),
    }
}
