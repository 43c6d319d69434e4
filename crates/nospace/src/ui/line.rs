use std::io;

use anstyle::Style;

use super::{Charset, style, text};

/// A line of output in styled pieces.
///
/// Whatever is put in is cleaned first, and there is no other way onto the page: so nothing from the node
/// reaches the terminal raw.
#[derive(Clone, Debug, Default)]
pub struct Line {
    charset: Charset,
    pieces: Vec<(Style, String)>,
}

impl Line {
    /// An empty line.
    #[must_use]
    pub fn new(charset: Charset) -> Self {
        Self {
            charset,
            pieces: Vec::new(),
        }
    }

    /// Adds `raw`, cleaned, in `style`.
    #[must_use]
    pub fn put(mut self, style: Style, raw: &str) -> Self {
        if !raw.is_empty() {
            let clean = self.charset.clean(raw).into_owned();
            self.pieces.push((style, clean));
        }
        self
    }

    /// Adds `raw`, cleaned, unstyled.
    #[must_use]
    pub fn plain(self, raw: &str) -> Self {
        self.put(style::PLAIN, raw)
    }

    /// Fills with spaces up to `column`.
    #[must_use]
    pub fn pad_to(self, column: usize) -> Self {
        let missing = column.saturating_sub(self.width());
        self.plain(&" ".repeat(missing))
    }

    /// Its pieces, clean, from left to right.
    pub fn pieces(&self) -> impl Iterator<Item = (Style, &str)> {
        self.pieces
            .iter()
            .map(|(style, text)| (*style, text.as_str()))
    }

    /// Columns that it takes.
    #[must_use]
    pub fn width(&self) -> usize {
        self.pieces
            .iter()
            .map(|(_, piece)| text::width(piece))
            .sum()
    }

    /// Writes it with its styles and a newline, without trailing spaces.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let seen = self
            .pieces
            .iter()
            .rposition(|(_, piece)| !piece.trim_end().is_empty());
        let pieces = &self.pieces[..seen.map_or(0, |last| last + 1)];
        for (at, (style, piece)) in pieces.iter().enumerate() {
            let piece = if at + 1 == pieces.len() {
                piece.trim_end()
            } else {
                piece
            };
            write!(out, "{style}{piece}{style:#}")?;
        }
        out.write_all(b"\n")
    }
}
