//! What `exhaust` shows people: how far it is, and what came of it.

mod progress;
mod summary;

pub use progress::Progress;
pub use summary::summary;

use std::time::Duration;

use nospace_core::amount::bytes;

use crate::exhaust::Target;

/// `192036 watches`, `64 MiB`.
#[must_use]
pub fn amount(value: u64, target: Target) -> String {
    match target {
        Target::Blocks => bytes(value),
        _ => format!("{value} {}", target.name()),
    }
}

/// The same without what is counted.
fn figure(value: u64, target: Target) -> String {
    match target {
        Target::Blocks => bytes(value),
        _ => value.to_string(),
    }
}

/// `4m 51s`, `0.3s`.
fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0..10) => format!("{:.1}s", time.as_secs_f64()),
        (0, 0, s) => format!("{s}s"),
        (0, m, 0) => format!("{m}m"),
        (0, m, s) => format!("{m}m {s}s"),
        (h, m, _) => format!("{h}h {m}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_short() {
        let cases = [
            (300, "0.3s"),
            (12_000, "12s"),
            (300_000, "5m"),
            (299_000, "4m 59s"),
            (7_260_000, "2h 1m"),
        ];
        for (time, words) in cases {
            assert_eq!(span(Duration::from_millis(time)), words);
        }
    }
}
