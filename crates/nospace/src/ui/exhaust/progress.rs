use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use nospace_core::amount::duration;
use nospace_core::report::percent;

use super::words::{amount, figure};
use crate::exhaust::session::{Observer, Phase, Status};
use crate::exhaust::{Headroom, Scenario, Unit};
use crate::ui::bar::bar;
use crate::ui::screen::Screen;
use crate::ui::{Charset, warn};

/// A narrower bar is not drawn.
const MIN_WIDTH: usize = 8;
/// Time between lines where there is no terminal to draw on.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// A bar on standard error, where that is a terminal; lines, where it is not.
#[derive(Debug)]
pub struct Progress {
    scenario: &'static Scenario,
    subject: String,
    charset: Charset,
    bar: Option<ProgressBar>,
    last_line: Option<(Phase, Instant)>,
}

impl Progress {
    /// Of what belongs to `subject`.
    #[must_use]
    pub fn new(scenario: &'static Scenario, subject: &str) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::hidden();
            if let Ok(style) = ProgressStyle::with_template("{msg}") {
                bar.set_style(style);
            }
            bar
        });
        Self {
            scenario,
            subject: subject.to_owned(),
            charset: Screen::of_stdout().charset,
            bar,
            last_line: None,
        }
    }

    /// Says what is about to be done, and how to undo it.
    pub fn announce(&self, taking: u64, room: &Headroom, time: Duration) {
        let (left, unit) = (room.free - taking, self.scenario.unit);
        warn(&format!(
            "using up {} of {}, leaving {} of {}, for at most {}; Ctrl-C releases them",
            amount(taking, unit),
            self.subject,
            figure(left, unit),
            figure(room.limit, unit),
            duration(time),
        ));
    }

    /// Removes the bar.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn print_line(&mut self, state: &Status) {
        // That it begins was announced.
        let (phase, at) = *self
            .last_line
            .get_or_insert((Phase::Taking, Instant::now()));
        if phase != state.phase || state.phase == Phase::Taking && at.elapsed() >= LINE_INTERVAL {
            self.last_line = Some((state.phase, Instant::now()));
            warn(&line_text(self.scenario.unit, state));
        }
    }
}

impl Observer for Progress {
    fn see(&mut self, state: &Status) {
        let Some(bar) = &self.bar else {
            return self.print_line(state);
        };
        if bar.is_hidden() {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        let columns = rustix::termios::tcgetwinsize(io::stderr()).map_or(0, |size| size.ws_col);
        let line = bar_line(self.scenario, state, columns.into(), self.charset);
        bar.set_message(line);
    }
}

/// All of it in one line of `width` columns, or the words alone.
fn bar_line(scenario: &Scenario, state: &Status, width: usize, charset: Charset) -> String {
    let Scenario { name, unit, .. } = scenario;
    let words = bar_text(*unit, state);
    let room = width.saturating_sub(name.len() + words.len() + 2);
    if room < MIN_WIDTH {
        return words;
    }
    let whole = state.wanted.max(state.held);
    let percent = percent(state.held, whole).unwrap_or(0);
    format!("{name} {} {words}", bar(percent, room, charset))
}

/// For the end of a bar.
fn bar_text(unit: Unit, state: &Status) -> String {
    let left = state
        .left
        .map(|left| format!("{} left, ", figure(left, unit)));
    match state.phase {
        Phase::Taking => format!(
            "{} of {}",
            figure(state.held, unit),
            figure(state.wanted, unit)
        ),
        Phase::Holding => format!(
            "{} held, {}{} to go",
            figure(state.held, unit),
            left.unwrap_or_default(),
            duration(state.remaining)
        ),
        Phase::Releasing => format!("releasing {}", figure(state.held, unit)),
    }
}

/// For a line of its own.
fn line_text(unit: Unit, state: &Status) -> String {
    let left = state
        .left
        .map(|left| format!(", {} left", figure(left, unit)));
    match state.phase {
        Phase::Taking => format!(
            "using up: {} of {}",
            figure(state.held, unit),
            amount(state.wanted, unit)
        ),
        Phase::Holding => format!(
            "holding {}{}; {} to go",
            amount(state.held, unit),
            left.unwrap_or_default(),
            duration(state.remaining)
        ),
        Phase::Releasing => format!("releasing {}", amount(state.held, unit)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exhaust::Target;
    use crate::exhaust::scenarios::of;

    fn line(phase: Phase, held: u64, width: usize) -> String {
        let state = Status {
            phase,
            held,
            wanted: 1000,
            left: Some(5),
            remaining: Duration::from_secs(290),
        };
        bar_line(of(Target::Watches), &state, width, Charset::Unicode)
    }

    #[test]
    fn one_line_that_fits() {
        let full = |line: &str| line.matches('█').count();
        let taking = line(Phase::Taking, 500, 40);
        assert_eq!(full(&taking), taking.matches('░').count(), "{taking}");
        assert!(taking.ends_with("500 of 1,000"), "{taking}");
        let holding = line(Phase::Holding, 1000, 60);
        assert!(
            full(&holding) >= MIN_WIDTH && !holding.contains('░'),
            "{holding}"
        );
        assert!(holding.contains("1,000") && holding.contains("4 min 50 s"));
        assert_eq!(crate::ui::text::width(&holding), 60);
        for phase in [Phase::Taking, Phase::Holding, Phase::Releasing] {
            for width in 0..200 {
                let line = line(phase, 999, width);
                assert!(crate::ui::text::width(&line) <= width.max(40), "{line}");
            }
        }
    }

    #[test]
    fn blocks_are_bytes() {
        let state = Status {
            phase: Phase::Holding,
            held: 64 << 20,
            wanted: 64 << 20,
            left: Some(0),
            remaining: Duration::from_secs(60),
        };
        assert_eq!(
            line_text(Unit::Bytes, &state),
            "holding 64 MiB, 0 B left; 1 min to go"
        );
    }
}
