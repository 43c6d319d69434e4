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

    /// Broken at `room` columns as a terminal breaks it, in the middle of words: nothing of a command is lost.
    #[must_use]
    pub fn broken(&self, room: usize) -> Vec<Self> {
        let mut lines = Vec::new();
        let mut line = Self::new(self.charset);
        let mut used = 0;
        for (style, piece) in self.pieces() {
            let mut begin = 0;
            for (at, letter) in piece.char_indices() {
                let width = text::width(letter.encode_utf8(&mut [0; 4]));
                if used > 0 && used + width > room {
                    lines.push(line.put(style, &piece[begin..at]));
                    line = Self::new(self.charset);
                    (begin, used) = (at, 0);
                }
                used += width;
            }
            line = line.put(style, &piece[begin..]);
        }
        lines.push(line);
        lines
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_line_loses_nothing() {
        let line = Line::new(Charset::Unicode)
            .put(style::BOLD, "do  ")
            .plain("printf 'a世b'");
        for room in 1..30 {
            let lines = line.broken(room);
            let text = |line: &Line| line.pieces().map(|(_, piece)| piece).collect::<String>();
            let all: String = lines.iter().map(text).collect();
            assert_eq!(all, "do  printf 'a世b'");
            assert!(lines.iter().all(|line| line.width() <= room.max(2)));
            assert_eq!(lines.len() == 1, line.width() <= room);
        }
        assert_eq!(Line::new(Charset::Ascii).broken(10).len(), 1);
    }
}
