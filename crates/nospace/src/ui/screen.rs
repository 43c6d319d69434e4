//! The terminal: its size, what it can draw, and the one place where a report is printed.

use std::env;
use std::io::{self, IsTerminal, Write};

use anstream::AutoStream;

use super::Charset;

/// Columns where nothing says how many there are.
const DEFAULT_WIDTH: usize = 80;
/// Below this a report is not made narrower, above it not wider.
const WIDTHS: std::ops::RangeInclusive<usize> = 60..=140;

/// What a report is drawn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    /// Columns.
    pub width: usize,
    /// Lines; `None` where the output is not a terminal.
    pub height: Option<usize>,
    /// What it can draw.
    pub charset: Charset,
}

impl Default for Screen {
    fn default() -> Self {
        Self {
            width: DEFAULT_WIDTH,
            height: None,
            charset: Charset::Unicode,
        }
    }
}

impl Screen {
    /// The screen that standard output leads to. Without a terminal, `COLUMNS` is the width if it is set, as
    /// watch(1) does, and nothing is the height.
    #[must_use]
    pub fn of_stdout() -> Self {
        let stdout = io::stdout();
        let size = stdout
            .is_terminal()
            .then(|| rustix::termios::tcgetwinsize(&stdout).ok())
            .flatten();
        let columns = || env::var("COLUMNS").ok()?.parse().ok();
        let width = size
            .map(|s| usize::from(s.ws_col))
            .filter(|&w| w > 0)
            .or_else(columns);
        Self {
            width: width
                .unwrap_or(DEFAULT_WIDTH)
                .clamp(*WIDTHS.start(), *WIDTHS.end()),
            height: size.map(|s| usize::from(s.ws_row)).filter(|&h| h > 0),
            charset: charset(|name| env::var(name).ok()),
        }
    }
}

/// The locale's character set: of the first variable that is set, as setlocale(3) looks.
fn charset(variable: impl Fn(&str) -> Option<String>) -> Charset {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter_map(variable)
        .find(|v| !v.is_empty());
    let locale = set.unwrap_or_default().to_ascii_lowercase();
    if locale.contains("utf-8") || locale.contains("utf8") {
        Charset::Unicode
    } else {
        Charset::Ascii
    }
}

/// Prints `text` on standard output, its styles kept or taken out as [`anstream::ColorChoice::global`], the
/// terminal, NO_COLOR, CLICOLOR_FORCE and TERM say. A closed pipe (`nospace check | head -1`) is no error.
///
/// # Errors
///
/// Standard output cannot be written to, for example because its disk is full.
pub fn print(text: &[u8]) -> io::Result<()> {
    offer(text).map(drop)
}

/// Prints as [`print`] does; `false` when nobody reads any more.
///
/// # Errors
///
/// Those of [`print`].
pub fn offer(text: &[u8]) -> io::Result<bool> {
    offer_from(|out| out.write_all(text))
}

/// Prints what `write` writes, as [`print`] does; `false` when nobody reads any more. A style is written in one piece.
///
/// # Errors
///
/// Those of [`print`] and of `write`.
pub fn offer_from(write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> io::Result<bool> {
    let mut out = Styled(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        done => done.map(|()| true),
    }
}

/// Standard output, which takes styles out where they are not wanted.
struct Styled(io::StdoutLock<'static>);

impl io::Write for Styled {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.write_all(text).map(|()| text.len())
    }

    fn write_all(&mut self, text: &[u8]) -> io::Result<()> {
        const ESCAPE: u8 = 0x1b;
        // Looking for styles to take out costs more than making most of the text did.
        let written = match text.contains(&ESCAPE) {
            true => AutoStream::auto(&mut self.0).write_all(text),
            false => self.0.write_all(text),
        };
        written.map_err(|error| unwritten(&error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(|error| unwritten(&error))
    }
}

/// Of nospace's own output, which a reader of its errors could take for the node's.
fn unwritten(error: &io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("cannot write to standard output: {error}"),
    )
}

/// Prints a message on standard error; it may contain names from the node.
pub fn warn(message: &str) {
    complain(&anyhow::anyhow!("{message}"));
}

/// Prints an error on standard error; it may contain names from the node.
pub fn complain(error: &anyhow::Error) {
    let message = charset(|name| env::var(name).ok())
        .clean(&format!("{error:#}"))
        .into_owned();
    anstream::eprintln!("nospace: {message}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(set: &[(&str, &str)]) -> Charset {
        charset(|name| {
            set.iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| (*v).to_owned())
        })
    }

    #[test]
    fn the_locale_decides_what_is_drawn() {
        assert_eq!(with(&[]), Charset::Ascii);
        assert_eq!(with(&[("LANG", "C.UTF-8")]), Charset::Unicode);
        assert_eq!(
            with(&[("LANG", "de_DE.utf8"), ("LC_ALL", "")]),
            Charset::Unicode
        );
        assert_eq!(
            with(&[("LANG", "C.UTF-8"), ("LC_ALL", "C")]),
            Charset::Ascii
        );
        assert_eq!(
            with(&[("LANG", "C"), ("LC_CTYPE", "en_US.UTF-8")]),
            Charset::Unicode
        );
    }
}
