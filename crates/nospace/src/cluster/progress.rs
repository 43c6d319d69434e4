use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Nothing is drawn before that: a small cluster answers at once.
const QUIET: Duration = Duration::from_millis(300);

/// How far a source is, on a terminal.
#[derive(Clone, Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    /// On standard error, where that is a terminal.
    #[must_use]
    pub fn on_stderr() -> Self {
        // indicatif draws nothing where standard error is no terminal.
        let bar = ProgressBar::no_length();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(QUIET);
        Self(bar)
    }

    /// Draws nothing.
    #[must_use]
    pub fn hidden() -> Self {
        Self(ProgressBar::hidden())
    }

    /// What is done now.
    pub fn say(&self, what: &str) {
        self.0.set_message(what.to_owned());
    }

    /// Sets how many answers to expect.
    pub fn expect(&self, answers: usize) {
        // The template is a constant.
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg} {elapsed}") {
            self.0.set_style(style);
        }
        self.0.set_length(answers as u64);
    }

    /// One more answer came.
    pub fn advance(&self) {
        self.0.inc(1);
    }

    /// Takes it off the terminal.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}
