use std::io::{self, IsTerminal, Read};

use indicatif::{ProgressBar, ProgressStyle};

/// Less than this is read before a bar could be looked at.
const WORTH_A_BAR: u64 = 64 << 20;
/// Columns from which on all of it has room in one line.
const WIDE: u16 = 60;
const TEMPLATE: &str =
    "reading {percent:>3} % of {total_bytes} [{wide_bar}] {bytes_per_sec}, {eta} left";
const NARROW: &str = "{percent:>3} % [{wide_bar}]";

/// A bar on standard error, where that is a terminal and there is much to read.
#[derive(Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    /// For `total` bytes on disk.
    #[must_use]
    pub fn new(total: u64) -> Self {
        if total < WORTH_A_BAR || !io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new(total);
        let columns = rustix::termios::tcgetwinsize(io::stderr()).map_or(0, |size| size.ws_col);
        let template = if columns < WIDE { NARROW } else { TEMPLATE };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        Self(bar)
    }

    /// `reader`, whose bytes move the bar.
    pub fn counting<R: Read>(&self, reader: R) -> Counting<'_, R> {
        Counting {
            reader,
            bar: &self.0,
        }
    }

    /// Takes the bar away.
    pub fn done(&self) {
        self.0.finish_and_clear();
    }
}

/// Moves the bar.
#[derive(Debug)]
pub struct Counting<'p, R> {
    reader: R,
    bar: &'p ProgressBar,
}

impl<R: Read> Read for Counting<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buffer)?;
        if !self.bar.is_hidden() {
            self.bar.inc(n as u64);
        }
        Ok(n)
    }
}
