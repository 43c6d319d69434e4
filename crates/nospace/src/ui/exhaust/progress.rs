use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::{amount, figure, span};
use crate::exhaust::session::{Observer, Phase, State};
use crate::exhaust::{Room, Target};
use crate::ui::screen::Screen;
use crate::ui::{Charset, warn};

const TEMPLATE: &str = "{prefix} {wide_bar} {msg}";
/// Between lines where there is no terminal to draw on.
const BETWEEN: Duration = Duration::from_secs(5);

/// A bar on standard error, where that is a terminal; lines, where it is not.
#[derive(Debug)]
pub struct Progress {
    target: Target,
    subject: String,
    bar: Option<ProgressBar>,
    told: Option<(Phase, Instant)>,
}

impl Progress {
    /// Of `target` of `subject`.
    #[must_use]
    pub fn new(target: Target, subject: &str) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            let chars = match Screen::of_stdout().charset {
                Charset::Unicode => "█▌░",
                Charset::Ascii => "#.",
            };
            if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
                bar.set_style(style.progress_chars(chars));
            }
            bar.set_prefix(target.name());
            bar
        });
        Self {
            target,
            subject: subject.to_owned(),
            bar,
            told: None,
        }
    }

    /// Says what is about to be done, and how it is taken back.
    pub fn announce(&self, taking: u64, room: &Room, time: Duration) {
        let left = room.free - taking;
        warn(&format!(
            "taking {} of {}, until {} of {} are left, for {} at most; Ctrl-C gives them back",
            amount(taking, self.target),
            self.subject,
            figure(left, self.target),
            figure(room.limit, self.target),
            span(time),
        ));
    }

    /// Takes the bar away.
    pub fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn tell(&mut self, state: &State) {
        // That it begins was announced.
        let (phase, at) = *self.told.get_or_insert((Phase::Taking, Instant::now()));
        if phase != state.phase || state.phase == Phase::Taking && at.elapsed() >= BETWEEN {
            self.told = Some((state.phase, Instant::now()));
            warn(&words(self.target, state));
        }
    }
}

impl Observer for Progress {
    fn see(&mut self, state: &State) {
        let Some(bar) = &self.bar else {
            return self.tell(state);
        };
        bar.set_length(state.wanted.max(state.held));
        bar.set_position(state.held);
        bar.set_message(short(self.target, state));
    }
}

/// For the end of a bar.
fn short(target: Target, state: &State) -> String {
    let left = state
        .left
        .map(|left| format!("{} left, ", figure(left, target)));
    match state.phase {
        Phase::Taking => format!(
            "{} of {}",
            figure(state.held, target),
            figure(state.wanted, target)
        ),
        Phase::Holding => format!(
            "{} held, {}{}",
            figure(state.held, target),
            left.unwrap_or_default(),
            span(state.remaining)
        ),
        Phase::Releasing => format!("giving back {}", figure(state.held, target)),
    }
}

/// For a line.
fn words(target: Target, state: &State) -> String {
    let left = state
        .left
        .map(|left| format!(", {} left", figure(left, target)));
    match state.phase {
        Phase::Taking => format!(
            "holding {} of {}",
            figure(state.held, target),
            amount(state.wanted, target)
        ),
        Phase::Holding => format!(
            "holding {}{}; this ends in {}",
            amount(state.held, target),
            left.unwrap_or_default(),
            span(state.remaining)
        ),
        Phase::Releasing => format!("giving back {}", amount(state.held, target)),
    }
}
